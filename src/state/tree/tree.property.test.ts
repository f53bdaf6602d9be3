import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8Encode, utf8Length } from '../../base/utf8.ts';
import { type Model, type ModelNode, readTree, rowOf } from './model.ts';
import type { Tree, TreeOptions } from './tree.ts';
import { digestOf, LISTS, type Step, Walker } from './walker.ts';

const SEED: TreeOptions['seed'] = [0x01234567, -5];
/** Rows and chunks beyond 2^20 and 32 GiB, without that much memory. */
const FAR: TreeOptions = { seed: SEED, firstRow: 2_147_400_000, firstChunk: 140_000 };

function steps(most: number, kinds: number): fc.Arbitrary<Step[]> {
  const step = fc.tuple(fc.nat(kinds - 1), fc.nat(1_000_000), fc.nat(1_000_000));
  return fc.array(step, { maxLength: most, size: 'max' });
}

function naiveDigest(model: Model): bigint {
  let sum = 0n;
  for (const [path, node] of model.nodes) {
    if (path.startsWith('/zookeeper/')) continue;
    const stat = naiveStat(node);
    const body = Buffer.concat([utf8Encode(path), node.data ?? new Uint8Array(0), stat]);
    sum += BigInt(crc32(body));
  }
  return BigInt.asUintN(64, sum);
}

function naiveStat(node: ModelNode): Buffer {
  const stat = Buffer.alloc(60);
  const longs = [node.czxid, node.mzxid, node.pzxid, node.ctime, node.mtime];
  for (const [i, long] of longs.entries()) stat.writeBigInt64BE(BigInt(long), i * 8);
  const ints = [node.version, node.cversion, node.aversion, node.ownerHigh, node.ownerLow];
  for (const [i, int] of ints.entries()) stat.writeInt32BE(int, 40 + i * 4);
  return stat;
}

function naiveDataBytes(model: Model): number {
  let sum = 1;
  for (const [path, node] of model.nodes) sum += utf8Length(path) + (node.data?.length ?? 0);
  return sum;
}

/** Long data as length and checksum: vitest compares arrays a byte at a time, and slowly. */
function comparable(model: Model): unknown {
  const nodes = [...model.nodes].map(([path, node]) => {
    const { data } = node;
    return [path, { ...node, data: data === null ? null : [data.length, crc32(data)] }];
  });
  return { nodes: Object.fromEntries(nodes), lists: model.lists };
}

function expectSame(tree: Tree, model: Model): void {
  expect(comparable(readTree(tree, LISTS))).toEqual(comparable(model));
  expect(tree.count).toBe(model.nodes.size);
  expect(tree.dataBytes).toBe(naiveDataBytes(model));
  const digest = (BigInt(tree.digestHigh) << 32n) | BigInt(tree.digestLow);
  expect(digest).toBe(naiveDigest(model));
  for (const [path, node] of model.nodes) {
    const row = rowOf(tree, path);
    expect(tree.pathString(row)).toBe(path === '' ? '/' : path);
    expect(tree.childCount(row)).toBe(node.children.length);
  }
  model.lists.forEach((list, i) => {
    if (i > 0) expect(tree.listSize(i)).toBe(list.length);
  });
}

function expectDescendants(tree: Tree, model: Model): void {
  for (const path of model.nodes.keys()) {
    const below = [...model.nodes.keys()].filter((other) => other.startsWith(`${path}/`)).length;
    expect(tree.descendantCount(rowOf(tree, path))).toBe(below);
  }
}

function run(options: TreeOptions, most: number, kinds: number, runs: number): void {
  fc.assert(
    fc.property(steps(most, kinds), (list) => {
      const walker = new Walker(options);
      for (const step of list) walker.take(step);
      walker.finish();
      expectSame(walker.tree, walker.model);
      expectDescendants(walker.tree, walker.model);
      for (const { tree, model, digest } of walker.loaded) {
        expect(digestOf(tree)).toEqual(digest);
        expectSame(tree, model);
      }
    }),
    { numRuns: runs },
  );
}

describe('a tree does what the naive model does', () => {
  test('through inserts, removes, changes of data and stat, and lists', () => {
    run({ seed: SEED }, 300, 14, 30);
  });

  test('through transactions that are committed or undone', () => {
    run({ seed: SEED }, 300, 15, 60);
  });

  test('and images written meanwhile show the moment at which they began', () => {
    run({ seed: SEED }, 400, 24, 60);
  });

  test('with row and chunk numbers near their end', () => {
    run(FAR, 80, 24, 2);
  });
});
