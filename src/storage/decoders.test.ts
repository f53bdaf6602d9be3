import { expect, test } from 'vitest';
import { viewOf } from '../base/bytes.ts';
import { SimDisk } from '../sim/disk.ts';
import { StorageError } from './errors.ts';
import { writeAll } from './files.ts';
import {
  encodeHeader,
  GENESIS_HASH,
  headerOffset,
  RECORD_HEADER_BYTES,
  RecordHeader,
  zeroSectors,
} from './record.ts';
import { Reserve } from './reserve.ts';
import { SegmentScan } from './scan.ts';
import { readSnapshotInfo } from './snapshot-file.ts';
import { readSlices } from './snapshot-reader.ts';
import { Snapshots } from './snapshots.ts';
import { BLANK_CONTENT, decodeSuperblock, encodeSuperblock } from './superblock.ts';
import { checksums, entriesBehind, joined, random, sourceOf } from './test-fixture.ts';

const COUNT = Number(process.env.QUOLL_FUZZ_COUNT ?? 500);
const CLUSTER = new Uint8Array(16).fill(3);

/** Mangles bytes as disks and people do: flips, stretches overwritten, cut, doubled. */
function mangle(bytes: Uint8Array, choose: (below: number) => number): Uint8Array {
  const mangled = bytes.slice();
  for (let i = choose(4); i >= 0 && mangled.length > 0; i--) {
    const at = choose(mangled.length);
    const to = Math.min(mangled.length, at + choose(40));
    const kind = choose(5);
    if (kind === 0) mangled[at] = (mangled[at] as number) ^ (1 << choose(8));
    if (kind === 1) mangled.fill(choose(2) * 255, at, to);
    if (kind === 2) mangled.copyWithin(choose(mangled.length), at, to);
    if (kind === 3) return joined([mangled, mangled.subarray(at, to)]);
    if (kind === 4) return mangled.slice(0, at);
  }
  return mangled;
}

function noise(choose: (below: number) => number): Uint8Array {
  return Uint8Array.from({ length: choose(300) }, () => choose(256));
}

test('a superblock decodes to what was encoded, or to a complaint', () => {
  const choose = random(11);
  for (let i = 0; i < COUNT; i++) {
    const block = {
      sequence: choose(1000) * 4_294_967_296 + choose(1000),
      clusterId: CLUSTER,
      replicaId: new Uint8Array(16).fill(choose(256)),
      state: noise(choose),
      isDamaged: choose(2) === 1,
      logStart: { segment: choose(1000), slot: choose(1000) },
      installSlot: choose(2) * choose(1000),
      adoption:
        choose(2) === 0
          ? null
          : {
              fromSlot: 1 + choose(9),
              lastSlot: choose(99),
              staged: choose(9),
              cutSegment: choose(9),
              cutOffset: choose(9000),
            },
    };
    const bytes = encodeSuperblock(checksums, block);
    expect(decodeSuperblock(checksums, bytes)).toEqual(block);
    const mangled = mangle(bytes, choose);
    const decoded = decodeSuperblock(checksums, mangled);
    if (typeof decoded !== 'string') expect(decoded).toEqual(block);
    expect(typeof decodeSuperblock(checksums, noise(choose))).toBe('string');
  }
});

test('a superblock of format 1 is read as one with nothing under way', () => {
  const block = {
    ...BLANK_CONTENT,
    sequence: 7,
    clusterId: CLUSTER,
    replicaId: new Uint8Array(16).fill(9),
    state: new Uint8Array(70).fill(5),
  };
  const second = encodeSuperblock(checksums, block);
  const bytes = joined([second.subarray(0, 64), block.state]);
  const view = viewOf(bytes);
  view.setUint32(8, 1);
  view.setUint32(60, 0);
  view.setUint32(0, checksums.crc32(bytes, 4, 64, 0));
  expect(decodeSuperblock(checksums, bytes)).toEqual(block);
  expect(decodeSuperblock(checksums, bytes.subarray(0, 100))).toBe('it ends short');
});

test('a record header decodes to what was encoded, or not at all', () => {
  const choose = random(12);
  const header = new RecordHeader();
  for (let i = 0; i < COUNT; i++) {
    const tail = { slot: choose(2 ** 30) * 1024, hash: new Uint8Array(32).fill(choose(256)) };
    const [entry] = entriesBehind(tail, [noise(choose)]);
    if (entry === undefined) continue;
    const bytes = new Uint8Array(RECORD_HEADER_BYTES);
    const place = {
      clusterId: CLUSTER,
      previousHash: tail.hash,
      offset: 1024,
      writeOffset: 512,
      decidedSlot: 7,
    };
    encodeHeader(checksums, viewOf(bytes), bytes, 0, entry, place);
    expect(header.decode(checksums, viewOf(bytes), bytes, 0)).toBe(true);
    const { slot, round, replica, bodyLength, inWrite } = header;
    expect({ slot, round, replica, bodyLength, inWrite }).toEqual({
      slot: entry.slot,
      round: 3,
      replica: 1,
      bodyLength: entry.body.length,
      inWrite: 512,
    });
    const mangled = joined([mangle(bytes, choose), new Uint8Array(RECORD_HEADER_BYTES)]);
    const isWhole = Buffer.compare(mangled.subarray(0, bytes.length), bytes) === 0;
    expect(header.decode(checksums, viewOf(mangled), mangled, 0)).toBe(isWhole);
  }
});

test('no header crosses a sector, and none overlaps the record before it', () => {
  for (let end = 0; end < 2048; end++) {
    const at = headerOffset(end);
    expect(at).toBeGreaterThanOrEqual(end);
    expect(at % 8).toBe(0);
    expect(Math.floor(at / 512)).toBe(Math.floor((at + RECORD_HEADER_BYTES - 1) / 512));
  }
});

test('zero sectors are counted as the file will have them', () => {
  // Header at 512: the body begins at 616 in the file, so its first own sector at 1024.
  const body = new Uint8Array(408 + 512 + 512 + 10);
  expect(zeroSectors(body, 0, body.length, 512)).toBe(3);
  body[408 + 511] = 1;
  expect(zeroSectors(body, 0, body.length, 512)).toBe(2);
  body[body.length - 1] = 1;
  expect(zeroSectors(body, 0, body.length, 512)).toBe(1);
  // A header that ends where a sector does leaves the whole next sector to the body.
  expect(zeroSectors(new Uint8Array(5), 0, 5, 512 - RECORD_HEADER_BYTES)).toBe(1);
});

test('a scan over any bytes ends with a verdict and yields only what was written', async () => {
  const choose = random(13);
  const entries = entriesBehind(
    { slot: 0, hash: GENESIS_HASH },
    Array.from({ length: 6 }, () => noise(choose)),
  );
  const image = new Uint8Array(4096);
  let end = 512;
  let previousHash: Uint8Array = GENESIS_HASH;
  for (const entry of entries) {
    const offset = headerOffset(end);
    const place = { clusterId: CLUSTER, previousHash, offset, writeOffset: offset, decidedSlot: 0 };
    encodeHeader(checksums, viewOf(image), image, offset, entry, place);
    image.set(entry.body, offset + RECORD_HEADER_BYTES);
    end = offset + RECORD_HEADER_BYTES + entry.body.length;
    previousHash = entry.hash;
  }
  for (let i = 0; i < COUNT / 4; i++) {
    const disk = new SimDisk();
    const file = await disk.open('/f', 'create');
    const bytes = i === 0 ? image : mangle(image, choose);
    await writeAll(file, [bytes], 0);
    const to = choose(3) === 0 ? bytes.length + choose(600) : bytes.length;
    const previous = { slot: 0, hash: GENESIS_HASH };
    const scan = new SegmentScan({
      file,
      checksums,
      clusterId: CLUSTER,
      from: 512,
      to: Math.max(512, to),
      previous,
    });
    const found = [];
    for (let next = await scan.next(); next !== null; next = await scan.next()) found.push(...next);
    expect(scan.end).not.toBeNull();
    for (const { slot, hash } of found) expect(hash).toEqual(entries[slot - 1]?.hash);
    if (i === 0) expect(found).toHaveLength(6);
  }
});

test('a snapshot reads as it was written, slice by slice, or ends with its damage', async () => {
  const choose = random(14);
  for (let i = 0; i < COUNT / 20; i++) {
    const disk = new SimDisk();
    await disk.makeDirectory('/s');
    const snapshots = new Snapshots({
      disk,
      checksums,
      directory: '/s',
      clusterId: CLUSTER,
      reserve: new Reserve(disk, '/s', 0),
      onWarning: () => expect.unreachable(),
    });
    const content = new Uint8Array(choose(3) * 200_000 + choose(500)).map((_, at) => at * 7);
    const header = { slot: 9, hash: new Uint8Array(32), zxid: 5 };
    const info = await snapshots.write(header, sourceOf(content));
    const bytes = disk.contentOf(info.file);
    const mangled = i % 4 === 0 ? bytes : mangle(bytes, choose);
    const isWhole = Buffer.compare(mangled, bytes) === 0;
    const file = await disk.open('/f', 'create');
    await writeAll(file, [mangled], 0);
    const read = async (): Promise<Uint8Array> => {
      const { footer, bytes: size } = await readSnapshotInfo(file, checksums, CLUSTER);
      const slices = [];
      for await (const slice of readSlices(file, checksums, size, footer)) {
        slices.push(slice.slice());
      }
      return joined(slices);
    };
    const outcome = await read().catch((error: unknown) => error);
    if (isWhole) expect(Buffer.compare(outcome as Uint8Array, content)).toBe(0);
    else expect(outcome).toBeInstanceOf(StorageError);
  }
});
