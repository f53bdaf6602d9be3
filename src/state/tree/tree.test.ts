import { expect, test } from 'vitest';
import { utf8Encode } from '../../base/utf8.ts';
import { Tree } from './tree.ts';

function add(tree: Tree, parent: number, name: string, data: Uint8Array | null, acl = 0): number {
  const bytes = utf8Encode(name);
  const d = data ?? new Uint8Array(0);
  return tree.insert(
    parent,
    bytes,
    0,
    bytes.length,
    d,
    0,
    data === null ? -1 : d.length,
    0,
    0,
    0,
    0,
    acl,
  );
}

test('an empty server has the digest that ZooKeeper gives it', () => {
  const tree = new Tree({ seed: [1, 2] });
  const none = new Uint8Array(0);
  const zk = add(tree, tree.root, 'zookeeper', none);
  add(tree, zk, 'quota', none);
  const config = add(tree, zk, 'config', none);
  tree.setAversion(config, -1);
  tree.settle();
  expect([tree.digestHigh, tree.digestLow]).toEqual([0, 0x51c6d660]);
  expect(tree.dataBytes).toBe(44);
  const p = utf8Encode('/zookeeper/config');
  expect(tree.find(p, 0, p.length)).toBe(config);
  expect(tree.pathString(config)).toBe('/zookeeper/config');
});
