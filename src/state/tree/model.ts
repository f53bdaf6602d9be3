import { utf8Decode, utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import type { Row } from './layout.ts';
import type { Tree } from './tree.ts';

/** What tests compare a tree with: an object per znode, and nothing shared with the real one. */
export interface ModelNode {
  data: Uint8Array | null;
  /** Names, newest first. */
  children: string[];
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctime: number;
  mtime: number;
  version: number;
  cversion: number;
  aversion: number;
  ownerHigh: number;
  ownerLow: number;
  acl: number;
  /** 0 for none. */
  list: number;
}

export interface Model {
  nodes: Map<string, ModelNode>;
  /** Paths by list number; index 0 is unused. */
  lists: string[][];
}

export function newNode(data: Uint8Array | null, zxid: number, acl: number): ModelNode {
  const stat = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: zxid, mtime: zxid };
  const versions = { version: 0, cversion: 0, aversion: 0, ownerHigh: 0, ownerLow: 0 };
  return { data, children: [], ...stat, ...versions, acl, list: 0 };
}

/** The root is "", as in ZooKeeper. */
export function newModel(): Model {
  return { nodes: new Map([['', newNode(new Uint8Array(0), 0, 0)]]), lists: [[]] };
}

export function copyModel(model: Model): Model {
  const nodes = new Map<string, ModelNode>();
  for (const [path, node] of model.nodes) {
    nodes.set(path, { ...node, children: [...node.children] });
  }
  return { nodes, lists: model.lists.map((list) => [...list]) };
}

export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

export function rowOf(tree: Tree, path: string): Row {
  const bytes = utf8Encode(`x${path}y`);
  return tree.find(bytes, 1, bytes.length - 1);
}

/** Everything that can be read of a tree, through links only. */
export function readTree(tree: Tree, lists: number): Model {
  const model: Model = { nodes: new Map(), lists: [[]] };
  const waiting: Row[] = [tree.root];
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    const path = row === tree.root ? '' : tree.pathString(row);
    const children: string[] = [];
    for (let child = tree.firstChild(row); child !== 0; child = tree.nextSibling(child)) {
      const name = written((writer) => tree.writeName(child, writer));
      children.push(utf8Decode(name, 0, name.length));
      waiting.push(child);
    }
    model.nodes.set(path, readNode(tree, row, children));
  }
  for (let list = 1; list <= lists; list++) {
    const paths: string[] = [];
    for (let row = tree.listFirst(list); row !== 0; row = tree.listNext(row)) {
      const path = tree.pathString(row);
      paths.push(path);
      const node = model.nodes.get(path);
      if (node !== undefined) node.list = list;
    }
    model.lists.push(paths);
  }
  return model;
}

function readNode(tree: Tree, row: Row, children: string[]): ModelNode {
  return {
    data: tree.dataLength(row) < 0 ? null : written((writer) => tree.writeData(row, writer)),
    children,
    czxid: tree.czxid(row),
    mzxid: tree.mzxid(row),
    pzxid: tree.pzxid(row),
    ctime: tree.ctime(row),
    mtime: tree.mtime(row),
    version: tree.version(row),
    cversion: tree.cversion(row),
    aversion: tree.aversion(row),
    ownerHigh: tree.ownerHigh(row),
    ownerLow: tree.ownerLow(row),
    acl: tree.acl(row),
    list: 0,
  };
}

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(1);
  write(writer);
  return writer.written().slice();
}
