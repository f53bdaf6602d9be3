import * as fs from 'node:fs';
import { dirname } from 'node:path';
import {
  type DirectoryLock,
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  isDiskError,
  type OpenMode,
} from '../disk.ts';
import { lockDirectory } from './lock.ts';

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants;
// Windows has no O_DSYNC; there a durable write takes a second call, to fdatasync.
const O_DSYNC: number | undefined = fs.constants.O_DSYNC;

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  create: O_RDWR | O_CREAT | O_EXCL,
  write: O_RDWR,
  writeDurable: O_RDWR | (O_DSYNC ?? 0),
};

/** Files of the operating system by `node:fs`, with its callbacks: promises cost more (rule 33). */
export class NodeDisk implements Disk {
  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const fd = await call<number>(path, 'open', (done) => fs.open(path, FLAGS[mode], 0o600, done));
    return new NodeFile(path, fd, mode === 'writeDurable' && O_DSYNC === undefined);
  }

  async list(directory: string): Promise<string[]> {
    return call<string[]>(directory, 'list', (done) => fs.readdir(directory, done));
  }

  async makeDirectory(directory: string): Promise<void> {
    await this.makeMissing(directory);
    const stats = await call<fs.Stats>(directory, 'stat', (done) => fs.stat(directory, done));
    // A directory that others may look into holds data that ACLs should have kept from them.
    if ((stats.mode & 0o077) === 0 || process.platform === 'win32') return;
    await run(directory, 'restrict', (done) => fs.chmod(directory, 0o700, done));
  }

  /**
   * Makes a directory and its missing parents, each entry durable in the one above: a power cut
   * that took a new directory would take everything that was synced below it. Not by `recursive`,
   * which never returns where nothing can be made, such as below /proc.
   */
  private async makeMissing(directory: string): Promise<void> {
    const make = (): Promise<void> =>
      run(directory, 'make directory', (done) => fs.mkdir(directory, 0o700, done));
    const parent = dirname(directory);
    try {
      await make();
    } catch (error) {
      if (isDiskError(error, 'EEXIST')) return;
      const isHopeless = parent === directory || fs.existsSync(parent);
      if (!isDiskError(error, 'ENOENT') || isHopeless) throw error;
      await this.makeMissing(parent);
      await make();
    }
    await this.syncDirectory(parent);
  }

  async rename(from: string, to: string): Promise<void> {
    await run(from, 'rename', (done) => fs.rename(from, to, done));
  }

  async remove(path: string): Promise<void> {
    await run(path, 'remove', (done) => fs.unlink(path, done));
  }

  async syncDirectory(directory: string): Promise<void> {
    // Windows can't open a directory; NTFS journals its entries.
    if (process.platform === 'win32') return;
    const fd = await call<number>(directory, 'open', (done) =>
      fs.open(directory, O_RDONLY, 0, done),
    );
    try {
      await run(directory, 'sync', (done) => fs.fsync(fd, done));
    } finally {
      await run(directory, 'close', (done) => fs.close(fd, done));
    }
  }

  lock(directory: string): Promise<DirectoryLock> {
    return lockDirectory(directory);
  }
}

class NodeFile implements DiskFile {
  readonly path: string;
  private readonly fd: number;
  private readonly syncsEachWrite: boolean;

  constructor(path: string, fd: number, syncsEachWrite: boolean) {
    this.path = path;
    this.fd = fd;
    this.syncsEachWrite = syncsEachWrite;
  }

  write(
    buffers: readonly Uint8Array[],
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void {
    if (this.syncsEachWrite) {
      this.writeAndSync(buffers, position, done);
      return;
    }
    const first = buffers[0];
    if (buffers.length === 1 && first !== undefined) {
      fs.write(this.fd, first, 0, first.length, position, (error, written) => {
        done(error === null ? null : diskError(error, this.path, 'write'), written);
      });
      return;
    }
    fs.writev(this.fd, buffers as Uint8Array[], position, (error, written) => {
      done(error === null ? null : diskError(error, this.path, 'write'), written);
    });
  }

  private writeAndSync(
    buffers: readonly Uint8Array[],
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void {
    fs.writev(this.fd, buffers as Uint8Array[], position, (error, written) => {
      if (error !== null) {
        done(diskError(error, this.path, 'write'), 0);
        return;
      }
      fs.fdatasync(this.fd, (failure) => {
        done(failure === null ? null : diskError(failure, this.path, 'sync'), written);
      });
    });
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let count = 0;
    while (count < target.length) {
      const from = count;
      const read = await call<number>(this.path, 'read', (done) =>
        fs.read(this.fd, target, from, target.length - from, position + from, done),
      );
      if (read === 0) break;
      count += read;
    }
    return count;
  }

  async sync(): Promise<void> {
    await run(this.path, 'sync', (done) => fs.fsync(this.fd, done));
  }

  async size(): Promise<number> {
    const stats = await call<fs.Stats>(this.path, 'stat', (done) => fs.fstat(this.fd, done));
    return stats.size;
  }

  async close(): Promise<void> {
    await run(this.path, 'close', (done) => fs.close(this.fd, done));
  }
}

type Failure = NodeJS.ErrnoException | null;

function run(
  path: string,
  action: string,
  start: (done: (error: Failure) => void) => void,
): Promise<void> {
  return call<undefined>(path, action, (done) => start((error) => done(error, undefined)));
}

function call<T>(
  path: string,
  action: string,
  start: (done: (error: Failure, value: T) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value);
      else reject(diskError(error, path, action));
    });
  });
}

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'ENOENT',
  EEXIST: 'EEXIST',
  ENOSPC: 'ENOSPC',
  // A quota is full in the same way as a disk: it may have room again later.
  EDQUOT: 'ENOSPC',
  EIO: 'EIO',
};

function diskError(error: NodeJS.ErrnoException, path: string, action: string): DiskError {
  const code = CODES[error.code ?? ''] ?? 'OTHER';
  return new DiskError(code, path, `could not ${action} ${path}: ${error.message}`, error);
}
