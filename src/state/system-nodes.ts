import { equalBytes } from '../base/bytes.ts';
import { utf8Encode } from '../base/utf8.ts';
import { Perm } from '../protocol/constants.ts';
import { Acl, type AclTable } from './acl.ts';
import type { Row } from './tree/layout.ts';
import type { Tree } from './tree/tree.ts';

const NO_BYTES = new Uint8Array(0);

/** Paths that delete refuses (protocol document 5.2). */
const SYSTEM_PATHS: readonly Uint8Array[] = [
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
].map(utf8Encode);

export function isSystemPath(bytes: Uint8Array, from: number, to: number): boolean {
  for (const path of SYSTEM_PATHS) {
    if (path.length === to - from && equalBytes(path, 0, bytes, from, path.length)) return true;
  }
  return false;
}

/** Makes the znodes of a fresh server (protocol document 8.1): all of zxid 0 and time 0. */
export function plantSystemNodes(tree: Tree, acls: AclTable): void {
  tree.setData(tree.root, NO_BYTES, 0, 0);
  tree.setAcl(tree.root, acls.use(acls.open));
  const zookeeper = plant(tree, tree.root, 'zookeeper', acls.use(acls.open));
  plant(tree, zookeeper, 'quota', acls.use(acls.open));
  const readable = new Acl([{ perms: Perm.read, scheme: 'world', id: 'anyone' }]);
  const config = plant(tree, zookeeper, 'config', acls.use(readable));
  tree.setAversion(config, -1);
  tree.settle();
}

function plant(tree: Tree, parent: Row, text: string, acl: number): Row {
  const name = utf8Encode(text);
  return tree.insert(parent, name, 0, name.length, NO_BYTES, 0, 0, 0, 0, 0, 0, acl);
}
