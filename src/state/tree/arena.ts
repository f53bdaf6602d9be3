import { assert } from '../../base/assert.ts';

/** A slab chunk; offsets in it take 18 bits. */
export const CHUNK_BYTES = 262_144;
/** Blobs above this size have a chunk of their own. */
export const SLAB_MAX_BYTES = 32_768;
export const LARGE: number = 255;
export const SLAB_CLASSES = 80;
/** The longest frame that a client could send is shorter; the loader refuses more. */
export const LARGE_MAX_BYTES = 1_073_741_824;
/** Chunk numbers: 512 GiB of slab chunks, or 64 GiB of the smallest blobs with a chunk each. */
export const CHUNKS_MAX = 2_097_152;
/** Free chunks kept for the next class that needs one; the others are left to the collector. */
const POOL_MAX = 8;

/** Words of a chunk's record. */
const META_WORDS = 8;
const CLASS = 0;
/** Live slots; in a sealed chunk also those whose freeing is put off. */
const USED = 1;
/** Bytes handed out at least once: behind them nothing was ever written. */
const TOP = 2;
/** Offset + 1 of the first free slot; each holds that of the next in its first three bytes. */
const FREE_SLOT = 3;
const NEXT_PARTIAL = 4;
const PREVIOUS_PARTIAL = 5;
/** First put-off freeing of this chunk. */
const DEFERRED = 6;
const IS_PARTIAL = 7;

const NO_BYTES = new Uint8Array(0);

/** Slot sizes: every 8 bytes up to 128, then eight per doubling, so at most 12.5 % is lost. */
export function sizeClass(bytes: number): number {
  if (bytes > SLAB_MAX_BYTES) return LARGE;
  const units = (bytes + 7) >>> 3;
  if (units <= 16) return units;
  const shift = 28 - Math.clz32(units - 1);
  return shift * 8 + ((units - 1) >>> shift) + 1;
}

export function slotBytes(sizeClass: number): number {
  if (sizeClass <= 16) return sizeClass * 8;
  const shift = ((sizeClass - 1) >>> 3) - 1;
  return (sizeClass - shift * 8) << (shift + 3);
}

/** What a large blob's chunk takes. */
export function largeBytes(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/**
 * Blobs in slabs: a chunk holds slots of one size only and goes back to the pool when the last is
 * freed, so no pattern of sizes over time can fragment it. Nothing is ever moved.
 *
 * While an image is written, chunks that existed when it began are sealed until they are copied:
 * nothing is allocated in them and their slots are freed later, so they can be copied as they lie.
 */
export class Arena {
  /** By chunk number, from 1; empty where there is none. */
  readonly chunks: Uint8Array[] = [NO_BYTES];
  private meta: Int32Array = new Int32Array(64 * META_WORDS);
  private readonly partial: Int32Array = new Int32Array(SLAB_CLASSES + 1);
  private readonly unusedChunks: number[] = [];
  private readonly pool: Uint8Array[] = [];
  bytesUsed = 0;
  /** Where the last `allocate` put the blob. */
  chunk = 0;
  offset = 0;

  /** Chunks in [sealedFrom, sealedTo) are sealed. */
  private sealedFrom = 0;
  private sealedTo = 0;
  private deferredOffset: number[] = [0];
  private deferredLink: number[] = [0];

  constructor(firstChunk = 1) {
    while (this.chunks.length < firstChunk) this.appendChunk();
  }

  isSealed(chunk: number): boolean {
    return chunk >= this.sealedFrom && chunk < this.sealedTo;
  }

  classOf(chunk: number): number {
    return this.meta[chunk * META_WORDS + CLASS] as number;
  }

  topOf(chunk: number): number {
    return this.meta[chunk * META_WORDS + TOP] as number;
  }

  /** True if a blob of `bytes` may overwrite the one that begins in `chunk`. */
  fits(chunk: number, bytes: number): boolean {
    if (this.isSealed(chunk)) return false;
    const wanted = sizeClass(bytes);
    if (this.classOf(chunk) !== wanted) return false;
    return wanted !== LARGE || (this.chunks[chunk] as Uint8Array).length === largeBytes(bytes);
  }

  /** Finds room and sets `chunk` and `offset`; 0 bytes are chunk 0. */
  allocate(bytes: number): void {
    const wanted = sizeClass(bytes);
    this.offset = 0;
    if (wanted === 0) this.chunk = 0;
    else if (wanted === LARGE) this.allocateLarge(bytes);
    else this.allocateSlot(wanted);
  }

  private allocateSlot(wanted: number): void {
    let chunk = this.partial[wanted] as number;
    if (chunk === 0) {
      chunk = this.addChunk(wanted, this.pool.pop() ?? new Uint8Array(CHUNK_BYTES));
      this.linkPartial(chunk);
    }
    const meta = this.meta;
    const at = chunk * META_WORDS;
    const freeSlot = meta[at + FREE_SLOT] as number;
    if (freeSlot !== 0) {
      this.offset = freeSlot - 1;
      meta[at + FREE_SLOT] = read24(this.chunks[chunk] as Uint8Array, freeSlot - 1);
    } else {
      this.offset = meta[at + TOP] as number;
      meta[at + TOP] = this.offset + slotBytes(wanted);
    }
    meta[at + USED] = (meta[at + USED] as number) + 1;
    this.chunk = chunk;
    if (!this.hasRoom(chunk)) this.unlinkPartial(chunk);
  }

  private allocateLarge(bytes: number): void {
    const size = largeBytes(bytes);
    assert(size <= LARGE_MAX_BYTES, 'blob too large');
    const chunk = this.addChunk(LARGE, new Uint8Array(size));
    this.meta[chunk * META_WORDS + USED] = 1;
    this.meta[chunk * META_WORDS + TOP] = size;
    this.chunk = chunk;
  }

  free(chunk: number, offset: number): void {
    if (chunk === 0) return;
    if (this.isSealed(chunk)) this.defer(chunk, offset);
    else this.freeNow(chunk, offset);
  }

  private freeNow(chunk: number, offset: number): void {
    const meta = this.meta;
    const at = chunk * META_WORDS;
    const used = (meta[at + USED] as number) - 1;
    assert(used >= 0, 'blob freed twice');
    meta[at + USED] = used;
    if (used === 0) {
      this.dropChunk(chunk);
      return;
    }
    write24(this.chunks[chunk] as Uint8Array, offset, meta[at + FREE_SLOT] as number);
    meta[at + FREE_SLOT] = offset + 1;
    if (meta[at + IS_PARTIAL] === 0) this.linkPartial(chunk);
  }

  private hasRoom(chunk: number): boolean {
    const at = chunk * META_WORDS;
    const size = slotBytes(this.meta[at + CLASS] as number);
    return this.meta[at + FREE_SLOT] !== 0 || (this.meta[at + TOP] as number) + size <= CHUNK_BYTES;
  }

  /**
   * A chunk number for `bytes`. During an image only new numbers are given: an old one would lie
   * among the sealed ones, and be taken for a chunk that the image has to copy.
   */
  private addChunk(wanted: number, bytes: Uint8Array): number {
    const reused = this.sealedTo === 0 ? this.unusedChunks.pop() : undefined;
    const chunk = reused ?? this.appendChunk();
    this.install(chunk, wanted, bytes);
    return chunk;
  }

  private appendChunk(): number {
    const chunk = this.chunks.length;
    assert(chunk < CHUNKS_MAX, 'no chunk number left');
    this.chunks.push(NO_BYTES);
    if (this.chunks.length * META_WORDS > this.meta.length) {
      const grown = new Int32Array(this.meta.length * 2);
      grown.set(this.meta);
      this.meta = grown;
    }
    return chunk;
  }

  private install(chunk: number, wanted: number, bytes: Uint8Array): void {
    this.chunks[chunk] = bytes;
    this.bytesUsed += bytes.length;
    const at = chunk * META_WORDS;
    this.meta.fill(0, at, at + META_WORDS);
    this.meta[at + CLASS] = wanted;
  }

  private dropChunk(chunk: number): void {
    const bytes = this.chunks[chunk] as Uint8Array;
    if (this.meta[chunk * META_WORDS + IS_PARTIAL] !== 0) this.unlinkPartial(chunk);
    if (this.classOf(chunk) !== LARGE && this.pool.length < POOL_MAX) this.pool.push(bytes);
    this.chunks[chunk] = NO_BYTES;
    this.bytesUsed -= bytes.length;
    this.unusedChunks.push(chunk);
  }

  private linkPartial(chunk: number): void {
    const meta = this.meta;
    const at = chunk * META_WORDS;
    const sizeClass = meta[at + CLASS] as number;
    const next = this.partial[sizeClass] as number;
    meta[at + NEXT_PARTIAL] = next;
    meta[at + PREVIOUS_PARTIAL] = 0;
    meta[at + IS_PARTIAL] = 1;
    if (next !== 0) meta[next * META_WORDS + PREVIOUS_PARTIAL] = chunk;
    this.partial[sizeClass] = chunk;
  }

  private unlinkPartial(chunk: number): void {
    const meta = this.meta;
    const at = chunk * META_WORDS;
    const next = meta[at + NEXT_PARTIAL] as number;
    const previous = meta[at + PREVIOUS_PARTIAL] as number;
    if (next !== 0) meta[next * META_WORDS + PREVIOUS_PARTIAL] = previous;
    if (previous !== 0) meta[previous * META_WORDS + NEXT_PARTIAL] = next;
    else this.partial[meta[at + CLASS] as number] = next;
    meta[at + IS_PARTIAL] = 0;
  }

  /** Seals every chunk there is; `unseal` opens them one by one, in order. */
  seal(): void {
    for (let chunk = 1; chunk < this.chunks.length; chunk++) {
      if (this.meta[chunk * META_WORDS + IS_PARTIAL] !== 0) this.unlinkPartial(chunk);
    }
    this.sealedFrom = 1;
    this.sealedTo = this.chunks.length;
  }

  /** Opens the chunks below `to`, and frees what was put off in them. */
  unseal(to: number): void {
    while (this.sealedFrom < to) {
      const chunk = this.sealedFrom++;
      if ((this.chunks[chunk] as Uint8Array).length !== 0) this.open(chunk);
    }
    if (this.sealedFrom < this.sealedTo) return;
    this.sealedFrom = 0;
    this.sealedTo = 0;
    this.deferredOffset = [0];
    this.deferredLink = [0];
  }

  unsealAll(): void {
    this.unseal(this.sealedTo);
  }

  private open(chunk: number): void {
    const at = chunk * META_WORDS;
    if (this.meta[at + CLASS] !== LARGE && this.hasRoom(chunk)) this.linkPartial(chunk);
    let entry = this.meta[at + DEFERRED] as number;
    this.meta[at + DEFERRED] = 0;
    while (entry !== 0) {
      this.freeNow(chunk, this.deferredOffset[entry] as number);
      entry = this.deferredLink[entry] as number;
    }
  }

  private defer(chunk: number, offset: number): void {
    const at = chunk * META_WORDS + DEFERRED;
    this.deferredOffset.push(offset);
    this.deferredLink.push(this.meta[at] as number);
    this.meta[at] = this.deferredOffset.length - 1;
  }

  /** For the loader: a chunk as an image has it; chunk numbers come in ascending order. */
  adopt(chunk: number, wanted: number, top: number, bytes: Uint8Array): void {
    while (this.chunks.length <= chunk) this.unusedChunks.push(this.appendChunk());
    this.unusedChunks.pop();
    this.install(chunk, wanted, bytes);
    this.meta[chunk * META_WORDS + TOP] = top;
  }

  /** For the loader: makes free what the bit map, one bit a slot, does not name as used. */
  rebuild(chunk: number, usedSlots: Int32Array, used: number): void {
    const at = chunk * META_WORDS;
    const bytes = this.chunks[chunk] as Uint8Array;
    this.meta[at + USED] = used;
    if (used === 0) {
      this.dropChunk(chunk);
      return;
    }
    const sizeClass = this.classOf(chunk);
    if (sizeClass === LARGE) return;
    const size = slotBytes(sizeClass);
    const slots = this.topOf(chunk) / size;
    for (let slot = slots - 1; slot >= 0 && used < slots; slot--) {
      if (((usedSlots[slot >>> 5] as number) >>> (slot & 31)) & 1) continue;
      write24(bytes, slot * size, this.meta[at + FREE_SLOT] as number);
      this.meta[at + FREE_SLOT] = slot * size + 1;
    }
    if (this.hasRoom(chunk)) this.linkPartial(chunk);
  }
}

function read24(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)
  );
}

function write24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
}
