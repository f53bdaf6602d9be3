import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../base/reader.ts';
import { utf8Encode } from '../../base/utf8.ts';
import { Item } from './format.ts';
import { ACL, PATH_HASH, ROW_WORDS, SIDE_LIST } from './layout.ts';
import { TreeLoader } from './loader.ts';
import { readTree, rowOf } from './model.ts';
import { Tree } from './tree.ts';
import { digestOf } from './walker.ts';

const SEED = [3, 4] as const;
const OTHER_SEED = [-7, 99] as const;
const DATA = new Uint8Array(300).fill(1);

function add(tree: Tree, parent: number, name: string, length: number): number {
  const bytes = utf8Encode(name);
  return tree.insert(parent, bytes, 0, bytes.length, DATA, 0, length, 5, 6, 0, 0, 1);
}

function makeTree(znodes: number): Tree {
  const tree = new Tree({ seed: SEED });
  const list = tree.newList();
  for (let i = 0; i < znodes; i++) {
    const row = add(tree, i % 10 === 9 ? rowOf(tree, '/n0') : tree.root, `n${i}`, i % 300);
    if (i % 7 === 3) tree.listAdd(list, row);
  }
  tree.settle();
  return tree;
}

/** Takes the tree apart and puts it together, as far as one can while an image is written. */
function disturb(tree: Tree, i: number): void {
  const row = rowOf(tree, `/n${i}`);
  if (row !== 0 && tree.childCount(row) === 0) {
    if (tree.rows.side(row, SIDE_LIST) !== 0) tree.listRemove(1, row);
    if (i % 2 === 0) tree.remove(row);
    else tree.setData(row, DATA, 0, (i * 7) % 300);
  }
  if (i % 3 === 0 && rowOf(tree, `/later${i}`) === 0) add(tree, tree.root, `later${i}`, i % 250);
  tree.setVersion(tree.root, i);
  tree.settle();
}

function load(slices: readonly Uint8Array[]): Tree {
  const loader = new TreeLoader({ seed: OTHER_SEED });
  for (const slice of slices) loader.accept(slice);
  return loader.finish();
}

function imageOf(tree: Tree, sliceBytes: number): Uint8Array[] {
  const slices: Uint8Array[] = [];
  const image = tree.beginImage();
  for (let slice = image.next(sliceBytes); slice !== null; slice = image.next(sliceBytes)) {
    slices.push(slice.slice());
  }
  return slices;
}

describe('an image', () => {
  test('of several chunks shows one moment, however the tree changes meanwhile', () => {
    const tree = makeTree(4500);
    const before = readTree(tree, 1);
    const digest = digestOf(tree);
    const slices: Uint8Array[] = [];
    const image = tree.beginImage();
    let i = 0;
    for (let slice = image.next(9000); slice !== null; slice = image.next(9000)) {
      slices.push(slice.slice());
      for (let j = 0; j < 30; j++, i += 13) disturb(tree, i % 4500);
    }
    const loaded = load(slices);
    expect(digestOf(loaded)).toEqual(digest);
    expect(readTree(loaded, 1)).toEqual(before);
    const again = load(imageOf(tree, 100_000));
    expect(digestOf(again)).toEqual(digestOf(tree));
    expect(readTree(again, 1)).toEqual(readTree(tree, 1));
  });

  test('keeps its slices within the size asked for', () => {
    const tree = makeTree(3000);
    for (const slice of imageOf(tree, 5000)) expect(slice.length).toBeLessThanOrEqual(5000);
  });

  test('of a small tree is small', () => {
    const bytes = imageOf(makeTree(3), 4096).reduce((sum, slice) => sum + slice.length, 0);
    expect(bytes).toBeLessThan(1500);
  });

  test('does not let memory grow with the changes of one znode', () => {
    const tree = makeTree(2000);
    const [changed, undone] = [rowOf(tree, '/n1500'), rowOf(tree, '/n1501')];
    const image = tree.beginImage();
    image.next(4096);
    tree.setData(changed, DATA, 0, 90);
    tree.settle();
    const bytes = tree.bytesUsed;
    for (let i = 0; i < 5000; i++) {
      tree.begin();
      tree.setData(i % 2 === 0 ? undone : changed, DATA, 0, i % 5 === 0 ? 280 : 90);
      if (i % 2 === 0) tree.rollback();
      else tree.commit();
      tree.settle();
    }
    expect(tree.bytesUsed - bytes).toBeLessThan(200_000);
    image.end();
    expect(load(imageOf(tree, 50_000)).count).toBe(tree.count);
  });

  test('leaves a loaded tree as ready for changes and transactions as the first was', () => {
    const loaded = load(imageOf(makeTree(2500), 65_536));
    const before = readTree(loaded, 1);
    loaded.begin();
    for (let i = 0; i < 2500; i += 5) change(loaded, i);
    loaded.rollback();
    expect(readTree(loaded, 1)).toEqual(before);
    for (let i = 0; i < 2500; i += 2) disturb(loaded, i);
    expect(load(imageOf(loaded, 65_536)).count).toBe(loaded.count);
  });
});

function change(tree: Tree, i: number): void {
  const row = rowOf(tree, `/n${i}`);
  if (row !== 0) tree.setData(row, DATA, 0, i % 290);
  add(tree, tree.root, `new${i}`, i % 100);
}

describe('the loader', () => {
  const whole = Buffer.concat(imageOf(makeTree(60), 65_536));

  test('refuses an image that is cut short anywhere, or goes on', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => {
        expect(() => load([whole.subarray(0, length)])).toThrow(DecodeError);
      }),
    );
    expect(() => load([whole, Uint8Array.of(0)])).toThrow(DecodeError);
  });

  test('takes a stream cut anywhere', () => {
    const bytes = [...whole].map((byte) => Uint8Array.of(byte));
    expect(load(bytes).count).toBe(61);
  });

  test('meets no lie with anything but a DecodeError or a sound tree', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        expectSoundOrRefused(bytes);
      }),
      { numRuns: 600 },
    );
  });

  test('refuses every other value of every word of a znode but its acl and hash', () => {
    const rowsAt =
      whole.indexOf(Buffer.from(Int32Array.of(Item.rows, 1, 0, 0, 61 * 112).buffer)) + 20;
    for (let word = 0; word < 61 * ROW_WORDS; word++) {
      const field = word % ROW_WORDS;
      if (field === ACL || field === PATH_HASH) continue;
      const bytes = Uint8Array.from(whole);
      const view = new DataView(bytes.buffer);
      view.setInt32(rowsAt + word * 4, view.getInt32(rowsAt + word * 4, true) + 1, true);
      expect(() => load([bytes]), `word ${word}`).toThrow(DecodeError);
    }
  });

  test('meets no lying word with anything else either', () => {
    const word = fc.tuple(fc.nat(whole.length / 4 - 1), fc.integer({ min: -3, max: 70 }));
    fc.assert(
      fc.property(word, ([at, value]) => {
        const bytes = Uint8Array.from(whole);
        new DataView(bytes.buffer).setInt32(at * 4, value, true);
        expectSoundOrRefused(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});

function expectSoundOrRefused(bytes: Uint8Array): void {
  let tree: Tree;
  try {
    tree = load([bytes]);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return;
  }
  expect(tree.count).toBe(61);
  const again = load(imageOf(tree, 65_536));
  expect(readTree(again, 1)).toEqual(readTree(tree, 1));
}
