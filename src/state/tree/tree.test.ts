import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../base/assert.ts';
import { utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { BLOB_CHUNK } from './layout.ts';
import { rowOf } from './model.ts';
import { Tree } from './tree.ts';

const NO_BYTES = new Uint8Array(0);
const TWO_31 = 2_147_483_648;

function makeTree(): Tree {
  return new Tree({ seed: [1, 2] });
}

function add(tree: Tree, parent: number, name: string, data: Uint8Array = NO_BYTES): number {
  const bytes = utf8Encode(name);
  return tree.insert(parent, bytes, 0, bytes.length, data, 0, data.length, 0, 0, 0, 0, 0);
}

function statOf(tree: Tree, row: number): DataView {
  const writer = new Writer();
  tree.writeStat(row, writer);
  expect(writer.at).toBe(68);
  return writer.view;
}

test('an empty server has the digest and the size that ZooKeeper gives it', () => {
  const tree = makeTree();
  const system = add(tree, tree.root, 'zookeeper');
  add(tree, system, 'quota');
  const config = add(tree, system, 'config');
  tree.setAversion(config, -1);
  tree.settle();
  expect([tree.digestHigh, tree.digestLow]).toEqual([0, 0x51c6d660]);
  expect(tree.dataBytes).toBe(44);
  expect(statOf(tree, system).getInt32(36)).toBe(-2);
});

describe('find', () => {
  test('takes "" and "/" for the root and refuses what is malformed', () => {
    const tree = makeTree();
    const a = add(tree, tree.root, 'a');
    const b = add(tree, a, 'b');
    expect([rowOf(tree, ''), rowOf(tree, '/'), rowOf(tree, '/a'), rowOf(tree, '/a/b')]).toEqual([
      tree.root,
      tree.root,
      a,
      b,
    ]);
    for (const path of ['a', '//', '/a/', '//a', '/a//b', '/a/b/', 'a/b', '/b', '/a/b/c', '/ab']) {
      expect(rowOf(tree, path)).toBe(0);
    }
  });

  test('finds the same from the parent, malformed paths included', () => {
    const tree = makeTree();
    const b = add(tree, add(tree, tree.root, 'a'), 'b');
    add(tree, b, 'c');
    for (const path of ['/', '/a', '/b', '//a', '/a/', '/a/b', '/a/c', '/a//b', '/a/b/c', 'a/b']) {
      const bytes = utf8Encode(path);
      const slash = path.lastIndexOf('/');
      const parent = tree.find(bytes, 0, slash);
      if (parent === 0) continue;
      const found = tree.findChild(parent, bytes, 0, slash, bytes.length);
      expect([path, found]).toEqual([path, tree.find(bytes, 0, bytes.length)]);
    }
  });

  test('still finds everything while the index splits and closes gaps', () => {
    const tree = makeTree();
    const names = Array.from({ length: 12_000 }, (_, i) => `n${i}`);
    for (const name of names) add(tree, tree.root, name);
    for (const [i, name] of names.entries()) {
      if (i % 3 !== 0) tree.remove(rowOf(tree, `/${name}`));
    }
    for (const [i, name] of names.entries())
      expect(rowOf(tree, `/${name}`) !== 0).toBe(i % 3 === 0);
    expect(tree.count).toBe(4001);
  });

  test('a split inside a transaction that is undone loses nothing', () => {
    const tree = makeTree();
    for (let i = 0; i < 2000; i++) add(tree, tree.root, `old${i}`);
    tree.settle();
    const before = [tree.digestHigh, tree.digestLow, tree.count, tree.dataBytes];
    tree.begin();
    for (let i = 0; i < 2000; i += 2) tree.remove(rowOf(tree, `/old${i}`));
    for (let i = 0; i < 9000; i++) add(tree, tree.root, `new${i}`);
    tree.rollback();
    const found = (prefix: string): number =>
      Array.from({ length: 9000 }, (_, i) => rowOf(tree, `/${prefix}${i}`)).filter((row) => row > 0)
        .length;
    expect([found('old'), found('new')]).toEqual([2000, 0]);
    expect([tree.digestHigh, tree.digestLow, tree.count, tree.dataBytes]).toEqual(before);
  });
});

describe('extremes', () => {
  test('a path of 1,000 components is found, written and counted, and can be taken down', () => {
    const tree = makeTree();
    const depth = 1000;
    let row = tree.root;
    for (let i = 0; i < depth; i++) row = add(tree, row, 'd');
    tree.settle();
    const path = '/d'.repeat(depth);
    expect(rowOf(tree, path)).toBe(row);
    expect(tree.pathString(row)).toBe(path);
    expect(tree.descendantCount(tree.root)).toBe(depth);
    expect(tree.dataBytes).toBe(1 + depth * (depth + 1));
    for (let i = 0; i < depth; i++) {
      const parent = tree.parent(row);
      tree.remove(row);
      row = parent;
    }
    tree.settle();
    expect([tree.count, tree.dataBytes]).toEqual([1, 1]);
  });

  test('a name of 1 MiB and data of 4 MiB come back as they were', () => {
    const tree = makeTree();
    const name = 'ä'.repeat(524_288);
    const data = new Uint8Array(4_194_304).map((_, i) => i * 31);
    const row = add(tree, tree.root, name, data);
    tree.settle();
    expect(rowOf(tree, `/${name}`)).toBe(row);
    const writer = new Writer();
    tree.writeData(row, writer);
    expect(Buffer.compare(writer.written(), data)).toBe(0);
    tree.remove(row);
    tree.settle();
    expect(tree.bytesUsed).toBeLessThan(1_000_000);
  });
});

describe('writeStat', () => {
  test('counts creates and deletes in 32 bits that wrap', () => {
    const tree = makeTree();
    const row = add(tree, tree.root, 'a');
    add(tree, row, 'b');
    tree.setCversion(row, 1_073_741_824);
    expect(statOf(tree, row).getInt32(36)).toBe(TWO_31 - 1);
    tree.setCversion(row, 1_073_741_825);
    expect(statOf(tree, row).getInt32(36)).toBe(1 - TWO_31);
    tree.setVersion(row, TWO_31 | 0);
    expect(statOf(tree, row).getInt32(32)).toBe(-TWO_31);
  });

  test('shows the owner of an ephemeral only', () => {
    const tree = makeTree();
    const owners: [number, number, number, number][] = [
      [0x01234567, -2, 0x01234567, -2],
      [-TWO_31, 0, 0, 0],
      [-TWO_31, 5, -TWO_31, 5],
      [0xff000000 | 0, 60_000, 0, 0],
    ];
    for (const [i, [high, low, seenHigh, seenLow]] of owners.entries()) {
      const name = utf8Encode(`n${i}`);
      const row = tree.insert(tree.root, name, 0, 2, NO_BYTES, 0, -1, 7, 8, high, low, 0);
      const view = statOf(tree, row);
      expect([view.getInt32(44), view.getInt32(48)]).toEqual([seenHigh, seenLow]);
      expect([tree.ownerHigh(row), tree.ownerLow(row)]).toEqual([high, low]);
    }
  });

  test('lays zxids, times, lengths and counts where clients expect them', () => {
    const tree = makeTree();
    const row = add(tree, tree.root, 'a', new Uint8Array(5));
    add(tree, row, 'b');
    tree.setMzxid(row, 2 ** 32 * 7 + 3);
    tree.setPzxid(row, 2 ** 52);
    tree.setMtime(row, 1_700_000_000_123);
    const view = statOf(tree, row);
    const longs = [0, 8, 16, 24, 60].map((at) => view.getBigInt64(at));
    expect(longs).toEqual([0n, 30_064_771_075n, 0n, 1_700_000_000_123n, 2n ** 52n]);
    expect([view.getInt32(52), view.getInt32(56)]).toEqual([5, 1]);
  });
});

test('a znode with large data is not read again for each child', () => {
  const tree = makeTree();
  const row = add(tree, tree.root, 'a', new Uint8Array(1_000_000));
  tree.settle();
  const bytes = tree.arena.chunks[tree.rows.int(row, BLOB_CHUNK)] as Uint8Array;
  const low = tree.digestLow;
  bytes[500_000] = 1;
  tree.setVersion(row, 1);
  tree.setVersion(row, 0);
  tree.settle();
  expect(tree.digestLow).toBe(low);
});

describe('a transaction', () => {
  test('holds no memory once it is over, undone or not', () => {
    const tree = makeTree();
    const row = add(tree, tree.root, 'a');
    tree.settle();
    const bytes = tree.bytesUsed;
    const data = new Uint8Array(10_000);
    for (let i = 0; i < 300; i++) {
      tree.begin();
      const child = add(tree, row, 'b', data);
      tree.setData(child, data, 0, 9000);
      tree.setData(row, data, 0, 5000 + i * 10);
      if (i % 2 === 0) tree.rollback();
      else {
        tree.remove(child);
        tree.commit();
      }
      tree.settle();
    }
    expect(tree.bytesUsed - bytes).toBeLessThan(900_000);
  });

  test('cannot hold another, nor a list made or dropped, nor an image begun', () => {
    const tree = makeTree();
    const list = tree.newList();
    tree.begin();
    for (const call of [() => tree.begin(), () => tree.newList(), () => tree.dropList(list)]) {
      expect(call).toThrow(AssertionError);
    }
    expect(() => tree.beginImage()).toThrow(AssertionError);
    tree.commit();
    expect(() => tree.commit()).toThrow(AssertionError);
    expect(() => tree.rollback()).toThrow(AssertionError);
    tree.beginImage().end();
  });
});

test('nothing that would damage the tree is done', () => {
  const tree = makeTree();
  const row = add(tree, tree.root, 'a');
  add(tree, row, 'b');
  const list = tree.newList();
  const onList = add(tree, row, 'c');
  tree.listAdd(list, onList);
  for (const name of ['', 'a/b', 'a'])
    expect(() => add(makeTreeWithA(), 1, name)).toThrow(AssertionError);
  expect(() => tree.remove(row)).toThrow(AssertionError);
  expect(() => tree.remove(tree.root)).toThrow(AssertionError);
  expect(() => tree.remove(onList)).toThrow(AssertionError);
  expect(() => tree.dropList(list)).toThrow(AssertionError);
  expect(() => tree.listAdd(list, onList)).toThrow(AssertionError);
});

function makeTreeWithA(): Tree {
  const tree = makeTree();
  add(tree, tree.root, 'a');
  return tree;
}
