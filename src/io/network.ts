/** Streams of bytes between this process and others. */
export interface StreamHandler {
  /** Bytes that arrived; they are valid only during the call. */
  onData(bytes: Uint8Array): void;
  /** Everything handed to `write` has left; buffers given before are free again. */
  onDrain(): void;
  /** The end, exactly once, whoever ended it. */
  onClose(): void;
}

export interface Stream {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Hands over bytes. True: they are gone and the buffer is free. False: not before `onDrain`. */
  write(bytes: Uint8Array): boolean;
  /** Stops `onData` until `resume`; what the sender sends meanwhile waits in the kernel. */
  pause(): void;
  resume(): void;
  /** Closes once what was written has left. */
  end(): void;
  /** Closes at once; what has not left yet is lost. */
  destroy(): void;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface ListenOptions {
  /** An address of this host; undefined listens on all of them. */
  readonly host: string | undefined;
  /** 0 picks a free port. */
  readonly port: number;
  /** Connections that wait for `accept`; undefined leaves it to the operating system. */
  readonly backlog: number | undefined;
}

export interface Peer {
  /** A name or an address; a name is resolved anew at each call. */
  readonly host: string;
  readonly port: number;
}

export interface Network {
  /** `accept` returns the handler of the new stream, or null to close it at once. */
  listen(
    options: ListenOptions,
    accept: (stream: Stream) => StreamHandler | null,
  ): Promise<Listener>;
  /**
   * Dials a peer: either `open` is called with the stream and returns its handler, or `failed` is,
   * and neither before `connect` has returned. The result gives up: then neither is called any
   * more. Small writes leave at once (no Nagle). No time limit of its own: whoever dials sets one.
   */
  connect(
    peer: Peer,
    open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ): () => void;
}
