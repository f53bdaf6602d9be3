import type { Checksums } from '../io/checksums.ts';
import type { Disk, DiskFile } from '../io/disk.ts';
import type { Reserve } from './reserve.ts';
import {
  encodeSuperblock,
  SUPERBLOCK_COPIES,
  type Superblock,
  type SuperblockContent,
  superblockName,
} from './superblock.ts';

export interface SuperblockPlace {
  readonly disk: Disk;
  readonly checksums: Checksums;
  readonly directory: string;
  readonly reserve: Reserve;
}

/**
 * The superblock of an open directory. Its copies are written in place: first one, and when that is
 * durable the others at once. A crash tears either the first, with the others as before, or any of
 * the others, with the first as it should be: one good copy is left in every case, and no rename is
 * needed per vote.
 */
export class SuperblockStore {
  private readonly place: SuperblockPlace;
  private readonly files: readonly DiskFile[];
  private block: Superblock;
  /**
   * Of the last attempt. One that failed may have reached some copies: were its number used again,
   * two superblocks that differ would count as the same.
   */
  private sequence: number;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(place: SuperblockPlace, files: readonly DiskFile[], block: Superblock) {
    this.place = place;
    this.files = files;
    this.block = block;
    this.sequence = block.sequence;
  }

  static async open(place: SuperblockPlace, block: Superblock): Promise<SuperblockStore> {
    const files: DiskFile[] = [];
    for (let copy = 0; copy < SUPERBLOCK_COPIES; copy++) {
      const path = `${place.directory}/${superblockName(copy)}`;
      files.push(await place.disk.open(path, 'writeDurable'));
    }
    return new SuperblockStore(place, files, block);
  }

  /** As it is on the device. */
  get current(): Superblock {
    return this.block;
  }

  /** A number that no superblock had before. */
  get nextSequence(): number {
    return this.sequence + 1;
  }

  /** Changes some of the content, durably; one change waits for the one before. */
  update(change: Partial<SuperblockContent>): Promise<void> {
    const turn = this.turn.then(() => this.write(change));
    this.turn = turn.catch(() => {});
    return turn;
  }

  private async write(change: Partial<SuperblockContent>): Promise<void> {
    this.sequence++;
    const next = { ...this.block, ...change, sequence: this.sequence };
    const bytes = encodeSuperblock(this.place.checksums, next);
    const [first, ...others] = this.files as [DiskFile, ...DiskFile[]];
    await this.place.reserve.write(first, [bytes], 0);
    await Promise.all(others.map((file) => this.place.reserve.write(file, [bytes], 0)));
    this.block = next;
  }

  async close(): Promise<void> {
    await this.turn;
    for (const file of this.files) await file.close();
  }
}
