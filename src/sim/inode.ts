/** Picks a whole number from 0 to `below` - 1: the schedule of a crash. */
export type Choose = (below: number) => number;

/** What the simulated device writes as a whole or not at all. */
export const SECTOR_BYTES = 512;

/** A file of the simulated disk: what processes see, and what is on the device. */
export class SimInode {
  private bytes = new Uint8Array(0);
  size = 0;
  private durable = new Uint8Array(0);
  private durableSize = 0;
  /** Sectors that differ, or may; those of syncs under way are in sets of their own. */
  private dirty = new Set<number>();
  private readonly syncing = new Set<Set<number>>();

  content(): Uint8Array {
    return this.bytes.slice(0, this.size);
  }

  write(source: Uint8Array, at: number): void {
    this.bytes = grown(this.bytes, at + source.length);
    this.bytes.set(source, at);
    this.size = Math.max(this.size, at + source.length);
    const last = at + source.length - 1;
    for (let sector = sectorOf(at); sector <= sectorOf(last); sector++) this.dirty.add(sector);
  }

  read(target: Uint8Array, at: number): number {
    const part = this.bytes.subarray(
      Math.min(at, this.size),
      Math.min(at + target.length, this.size),
    );
    target.set(part);
    return part.length;
  }

  /**
   * Begins to make durable what was written so far; the result says that it is. Until then a crash
   * takes any part of it, and what is written meanwhile is not part of it.
   */
  beginSync(): () => void {
    const sectors = this.dirty;
    const { size } = this;
    this.dirty = new Set();
    this.syncing.add(sectors);
    return () => {
      this.syncing.delete(sectors);
      this.durable = grown(this.durable, size);
      for (const sector of sectors) copySector(this.bytes, this.durable, sector);
      this.durableSize = Math.max(this.durableSize, size);
    };
  }

  /** A new size may survive without the bytes, which then read as zeros. */
  afterCrash(choose: Choose): SimInode {
    const after = new SimInode();
    after.size = this.size !== this.durableSize && choose(2) === 1 ? this.size : this.durableSize;
    after.bytes = grown(this.durable.slice(), after.size);
    const unsure = new Set([this.dirty, ...this.syncing].flatMap((sectors) => [...sectors]));
    for (const sector of unsure) {
      const survives = choose(2) === 1 && sector * SECTOR_BYTES < after.size;
      if (survives) copySector(this.bytes, after.bytes, sector);
    }
    after.bytes.fill(0, after.size);
    after.durable = after.bytes.slice();
    after.durableSize = after.size;
    return after;
  }

  copy(): SimInode {
    const copy = new SimInode();
    copy.bytes = this.bytes.slice();
    copy.size = this.size;
    copy.durable = this.bytes.slice();
    copy.durableSize = this.size;
    return copy;
  }

  /** Changes what is on the device, behind everybody's back. */
  damage(change: (bytes: Uint8Array) => void): void {
    change(this.bytes.subarray(0, this.size));
    this.durable = this.bytes.slice();
    this.durableSize = this.size;
    this.dirty.clear();
    for (const sectors of this.syncing) sectors.clear();
  }

  resize(size: number): void {
    const kept = this.bytes.slice(0, Math.min(size, this.size));
    this.bytes = grown(kept, size);
    this.size = size;
    this.damage(() => {});
  }
}

function sectorOf(at: number): number {
  return Math.floor(at / SECTOR_BYTES);
}

function copySector(from: Uint8Array, to: Uint8Array, sector: number): void {
  const start = sector * SECTOR_BYTES;
  to.set(from.subarray(start, Math.min(start + SECTOR_BYTES, to.length)), start);
}

/** Capacity is whole sectors and grows by doubling, so that many small writes stay cheap. */
function grown(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  if (size <= bytes.length) return bytes as Uint8Array<ArrayBuffer>;
  const wanted = Math.max(size, bytes.length * 2);
  const larger = new Uint8Array(Math.ceil(wanted / SECTOR_BYTES) * SECTOR_BYTES);
  larger.set(bytes);
  return larger;
}
