import { type Disk, type DiskFile, isDiskError } from '../io/disk.ts';
import { createWhole, listIfThere, removeIfThere, writeAll, writeZeros } from './files.ts';

const NAME = 'reserve';

/**
 * Space put by for the day the disk is full: the way out, a snapshot behind which the log can be
 * trimmed, needs space itself (rule 29).
 */
export class Reserve {
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly bytes: number;
  private held = false;
  private change: Promise<void> = Promise.resolve();

  constructor(disk: Disk, directory: string, bytes: number) {
    this.disk = disk;
    this.directory = directory;
    this.bytes = bytes;
  }

  /** Puts the space by, unless that is done; ENOSPC when the disk is too full. */
  hold(): Promise<void> {
    return this.inTurn(async () => {
      if (this.held || this.bytes === 0) return;
      const names = await listIfThere(this.disk, this.directory);
      if (!names.includes(NAME)) await this.create();
      this.held = true;
    });
  }

  /** Gives the space back; true if there was any. */
  async release(): Promise<boolean> {
    const had = this.held;
    await this.inTurn(async () => {
      await removeIfThere(this.disk, `${this.directory}/${NAME}`);
      await this.disk.syncDirectory(this.directory);
      this.held = false;
    });
    return had;
  }

  /** Writes all of the buffers, in the space of the reserve if there is no other. */
  async write(file: DiskFile, buffers: readonly Uint8Array[], position: number): Promise<void> {
    try {
      await writeAll(file, buffers, position);
    } catch (error) {
      if (!isDiskError(error, 'ENOSPC') || !(await this.release())) throw error;
      await writeAll(file, buffers, position);
    }
  }

  private create(): Promise<void> {
    return createWhole(this.disk, this.directory, NAME, (file) => writeZeros(file, 0, this.bytes));
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.change.then(work);
    this.change = turn.catch(() => {});
    return turn;
  }
}
