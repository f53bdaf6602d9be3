import {
  type DirectoryLock,
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type OpenMode,
} from '../io/disk.ts';
import { type Choose, SimInode } from './inode.ts';

/** What a process asked the disk to do, for faults that aim at one kind. */
export type Operation =
  | 'open'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'write'
  | 'read'
  | 'sync'
  | 'size'
  | 'close';

/** Runs `task` when an operation of so many bytes has taken its time. */
export type Schedule = (task: () => void, operation: Operation, bytes: number) => void;

/** A change of a directory: names and what they then stand for; null removes a name. */
type EntryChange = readonly (readonly [name: string, inode: SimInode | null])[];

/**
 * A disk in memory that keeps apart what has reached the device and what a crash may take. It is as
 * mean as POSIX allows: a file's sync does not make its name durable, unsynced sectors and changes
 * of directories survive in any combination, and a file may have its new size without its bytes.
 */
export class SimDisk implements Disk {
  private readonly directories = new Set<string>(['']);
  private readonly entries = new Map<string, SimInode>();
  private readonly durableEntries = new Map<string, SimInode>();
  private pendingChanges: EntryChange[] = [];
  private readonly locked = new Set<string>();
  /** When an operation's outcome is heard. */
  schedule: Schedule;
  /** Operations that were begun. */
  operations = 0;
  /** The operation with this number takes effect in memory only, and nothing is heard any more. */
  crashAt: number = Number.POSITIVE_INFINITY;
  crashed = false;
  /** Called when the crash comes. */
  onCrash: () => void = () => {};
  /** Room for files in bytes; a write beyond gets ENOSPC. */
  capacityBytes: number = Number.POSITIVE_INFINITY;
  /** A drive that lies about its cache: it calls synced what a crash may still take. */
  forgetful = false;
  /** Asked before each operation; a code makes it fail, with nothing done. */
  fault: (operation: Operation, path: string) => DiskErrorCode | null = () => null;
  /** How many bytes of an offered write are taken. */
  shorten: (bytes: number) => number = (bytes) => bytes;

  constructor(schedule: Schedule = queueMicrotask) {
    this.schedule = schedule;
  }

  /** True if the process may see the outcome; false if the machine is gone by then. */
  private begin(): boolean {
    this.operations++;
    if (!this.crashed && this.operations >= this.crashAt) {
      this.crashed = true;
      this.onCrash();
      return false;
    }
    return !this.crashed;
  }

  /**
   * Runs an operation so that its outcome comes later, or never. `commit` is what is true only from
   * then on: that something is durable.
   */
  perform<T>(
    operation: Operation,
    path: string,
    work: () => T,
    commit: () => void = () => {},
  ): Promise<T> {
    const before = this.crashed;
    const heard = this.begin();
    return new Promise((resolve, reject) => {
      // After a crash nothing reaches the disk; the operation it comes in takes effect in memory.
      if (before) return;
      const answer = this.attempt(operation, path, work);
      if (!heard) return;
      this.schedule(
        () => {
          if (this.crashed) return;
          if (answer.error !== null) {
            reject(answer.error);
            return;
          }
          if (!this.forgetful) commit();
          resolve(answer.value as T);
        },
        operation,
        0,
      );
    });
  }

  private attempt<T>(
    operation: Operation,
    path: string,
    work: () => T,
  ): { error: Error | null; value: T | undefined } {
    const code = this.fault(operation, path);
    if (code !== null) return { error: failure(code, operation, path), value: undefined };
    try {
      return { error: null, value: work() };
    } catch (error) {
      return { error: error as Error, value: undefined };
    }
  }

  /** The callback form of `perform`, for writes. */
  performWrite(
    path: string,
    work: () => number,
    done: (error: Error | null, written: number) => void,
    commit: () => void,
  ): void {
    const before = this.crashed;
    const heard = this.begin();
    if (before) return;
    const answer = this.attempt('write', path, work);
    if (!heard) return;
    this.schedule(
      () => {
        if (this.crashed) return;
        if (answer.error === null && !this.forgetful) commit();
        done(answer.error, answer.value ?? 0);
      },
      'write',
      answer.value ?? 0,
    );
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.perform('open', path, () => {
      let inode = this.entries.get(path);
      if (mode === 'create') {
        if (inode !== undefined) throw failure('EEXIST', 'open', path);
        if (!this.directories.has(parentOf(path))) throw failure('ENOENT', 'open', path);
        inode = new SimInode();
        this.change([[path, inode]]);
      }
      if (inode === undefined) throw failure('ENOENT', 'open', path);
      return new SimFile(this, path, inode, mode);
    });
  }

  list(directory: string): Promise<string[]> {
    return this.perform('list', directory, () => {
      if (!this.directories.has(directory)) throw failure('ENOENT', 'list', directory);
      const paths = [...this.entries.keys(), ...this.directories];
      return paths
        .filter((path) => path !== '' && parentOf(path) === directory)
        .map((path) => path.slice(directory.length + 1));
    });
  }

  /** Directories survive every crash: their making is not what the harness is after. */
  makeDirectory(directory: string): Promise<void> {
    return this.perform('makeDirectory', directory, () => {
      for (let path = directory; path !== ''; path = parentOf(path)) this.directories.add(path);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.perform('rename', from, () => {
      const inode = this.entries.get(from);
      if (inode === undefined) throw failure('ENOENT', 'rename', from);
      this.change([
        [from, null],
        [to, inode],
      ]);
    });
  }

  remove(path: string): Promise<void> {
    return this.perform('remove', path, () => {
      if (!this.entries.has(path)) throw failure('ENOENT', 'remove', path);
      this.change([[path, null]]);
    });
  }

  syncDirectory(directory: string): Promise<void> {
    let synced: EntryChange[] = [];
    const begin = (): void => {
      if (!this.directories.has(directory)) throw failure('ENOENT', 'syncDirectory', directory);
      const isHere = ([path]: EntryChange[number]): boolean => parentOf(path) === directory;
      synced = this.pendingChanges.filter((change) => change.some(isHere));
    };
    return this.perform('syncDirectory', directory, begin, () => {
      for (const change of synced) {
        // Another sync may have been faster.
        if (this.pendingChanges.includes(change)) applyChange(this.durableEntries, change);
      }
      this.pendingChanges = this.pendingChanges.filter((change) => !synced.includes(change));
    });
  }

  async lock(directory: string): Promise<DirectoryLock> {
    if (this.locked.has(directory)) throw failure('ELOCKED', 'lock', directory);
    this.locked.add(directory);
    return {
      release: async () => {
        this.locked.delete(directory);
      },
    };
  }

  private change(change: EntryChange): void {
    applyChange(this.entries, change);
    this.pendingChanges.push(change);
  }

  usedBytes(): number {
    let bytes = 0;
    for (const inode of this.entries.values()) bytes += inode.size;
    return bytes;
  }

  /**
   * The disk as the machine finds it after the power comes back: `choose` decides, change by change
   * and sector by sector, what of the unsynced survived.
   */
  reboot(choose: Choose): SimDisk {
    const disk = new SimDisk(this.schedule);
    const entries = new Map(this.durableEntries);
    for (const change of this.pendingChanges) if (choose(2) === 1) applyChange(entries, change);
    const copies = new Map<SimInode, SimInode>();
    for (const [path, inode] of entries) {
      let copy = copies.get(inode);
      if (copy === undefined) {
        copy = inode.afterCrash(choose);
        copies.set(inode, copy);
      }
      disk.entries.set(path, copy);
      disk.durableEntries.set(path, copy);
    }
    for (const directory of this.directories) disk.directories.add(directory);
    return disk;
  }

  /** The disk as it is, everything durable: a new process after the old one was killed. */
  copy(): SimDisk {
    const disk = new SimDisk(this.schedule);
    for (const [path, inode] of this.entries) {
      const copy = inode.copy();
      disk.entries.set(path, copy);
      disk.durableEntries.set(path, copy);
    }
    for (const directory of this.directories) disk.directories.add(directory);
    return disk;
  }

  paths(): string[] {
    return [...this.entries.keys()].sort();
  }

  contentOf(path: string): Uint8Array {
    return this.inodeOf(path).content();
  }

  flipBit(path: string, bit: number): void {
    this.inodeOf(path).damage((bytes) => {
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    });
  }

  zeroRange(path: string, from: number, to: number): void {
    this.inodeOf(path).damage((bytes) => bytes.fill(0, from, to));
  }

  /** What was meant for one place of the file stands in another. */
  misdirect(path: string, from: number, to: number, bytes: number): void {
    this.inodeOf(path).damage((content) => content.copyWithin(to, from, from + bytes));
  }

  truncate(path: string, size: number): void {
    this.inodeOf(path).resize(size);
  }

  /** The name is gone, whatever was synced. */
  loseEntry(path: string): void {
    this.inodeOf(path);
    this.entries.delete(path);
    this.durableEntries.delete(path);
  }

  private inodeOf(path: string): SimInode {
    const inode = this.entries.get(path);
    if (inode === undefined) throw failure('ENOENT', 'look at', path);
    return inode;
  }
}

class SimFile implements DiskFile {
  readonly path: string;
  private readonly disk: SimDisk;
  private readonly inode: SimInode;
  private readonly mode: OpenMode;

  constructor(disk: SimDisk, path: string, inode: SimInode, mode: OpenMode) {
    this.disk = disk;
    this.path = path;
    this.inode = inode;
    this.mode = mode;
  }

  write(
    buffers: readonly Uint8Array[],
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void {
    let commit = (): void => {};
    const work = (): number => {
      const taken = this.take(buffers, position);
      if (this.mode === 'writeDurable') commit = this.inode.beginSync();
      return taken;
    };
    this.disk.performWrite(this.path, work, done, () => commit());
  }

  private take(buffers: readonly Uint8Array[], position: number): number {
    if (this.mode === 'read') throw failure('OTHER', 'write', this.path);
    const offered = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    const taken = this.disk.shorten(offered);
    const growth = Math.max(0, position + taken - this.inode.size);
    if (this.disk.usedBytes() + growth > this.disk.capacityBytes) {
      throw failure('ENOSPC', 'write', this.path);
    }
    let at = position;
    for (const buffer of buffers) {
      const count = Math.min(buffer.length, position + taken - at);
      this.inode.write(buffer.subarray(0, count), at);
      at += count;
    }
    return taken;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.disk.perform('read', this.path, () => this.inode.read(target, position));
  }

  sync(): Promise<void> {
    let commit = (): void => {};
    const begin = (): void => {
      commit = this.inode.beginSync();
    };
    return this.disk.perform('sync', this.path, begin, () => commit());
  }

  size(): Promise<number> {
    return this.disk.perform('size', this.path, () => this.inode.size);
  }

  close(): Promise<void> {
    return this.disk.perform('close', this.path, () => {});
  }
}

function applyChange(entries: Map<string, SimInode>, change: EntryChange): void {
  for (const [path, inode] of change) {
    if (inode === null) entries.delete(path);
    else entries.set(path, inode);
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function failure(code: DiskErrorCode, action: string, path: string): DiskError {
  return new DiskError(code, path, `could not ${action} ${path}: ${code}`);
}
