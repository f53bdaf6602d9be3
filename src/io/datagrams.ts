import type { Peer } from './network.ts';

/** Packets between this process and others: any of them may be lost, doubled or overtaken. */
export interface DatagramSocket {
  readonly address: string;
  readonly port: number;
  /**
   * Sends one packet, or does not: whoever needs to know asks for an answer. A name is looked up
   * now and then, never for each packet, and packets wait for no look-up. The bytes may be used
   * again after the call.
   */
  send(to: Peer, bytes: Uint8Array): void;
  close(): Promise<void>;
}

export interface DatagramOptions {
  /** An address or a name of this host; undefined listens on all addresses. */
  readonly host: string | undefined;
  /** 0 picks a free port. */
  readonly port: number;
}

export interface Datagrams {
  /** The address of this host that packets to `peer` leave from; nothing is sent. */
  addressTowards(peer: Peer): Promise<string>;
  /** `receive` gets each packet that comes and where it came from; the bytes are its to keep. */
  open(
    options: DatagramOptions,
    receive: (bytes: Uint8Array, from: Peer) => void,
  ): Promise<DatagramSocket>;
}
