/** Files and directories, so that a simulator can own what survives a crash. */

export type DiskErrorCode = 'ENOENT' | 'EEXIST' | 'ENOSPC' | 'EIO' | 'ELOCKED' | 'OTHER';

/** An operation that the disk refused. `code` says what the caller can tell apart. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: DiskErrorCode;
  readonly path: string;

  constructor(code: DiskErrorCode, path: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
  }
}

export function isDiskError(error: unknown, code: DiskErrorCode): boolean {
  return error instanceof DiskError && error.code === code;
}

export type OpenMode =
  /** An existing file, to be read. */
  | 'read'
  /** A new file, to be read and written; EEXIST if there is one. */
  | 'create'
  /** An existing file, to be read and written. */
  | 'write'
  /** As `write`, and each write has reached the device when it is reported done. */
  | 'writeDurable';

export interface DiskFile {
  readonly path: string;
  /**
   * Writes the buffers one behind the other. Fewer bytes than offered may be written: the caller
   * writes the rest. The buffers belong to the file until `done`, which never runs before `write`
   * has returned. A callback, not a promise: this is the hot path of the log.
   */
  write(
    buffers: readonly Uint8Array[],
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void;
  /** Fills `target`; returns how many bytes, which are fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Everything written so far is on the device. A failure is final: never call it again. */
  sync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** A directory that only this process serves. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Paths are joined with `/`. A change of a directory (a file created, renamed, removed) is durable
 * only after `syncDirectory`, and a file's bytes only after its `sync`: neither implies the other.
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Names in a directory, files and directories alike, in no order. ENOENT if there is none. */
  list(directory: string): Promise<string[]>;
  /** Makes the directory and its missing parents; it is then open to this user only. */
  makeDirectory(directory: string): Promise<void>;
  /** Replaces `to` if it exists. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(directory: string): Promise<void>;
  /** ELOCKED, with a message that names the holder, while another process has it. */
  lock(directory: string): Promise<DirectoryLock>;
}
