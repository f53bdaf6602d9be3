import { utf8Encode } from '../../base/utf8.ts';
import type { TreeImage } from './image.ts';
import { TreeLoader } from './loader.ts';
import {
  copyModel,
  type Model,
  type ModelNode,
  newModel,
  newNode,
  parentPath,
  rowOf,
} from './model.ts';
import { Tree, type TreeOptions } from './tree.ts';

export const LISTS = 3;
const NO_BYTES = new Uint8Array(0);
const DATA_LENGTHS = [-1, 0, 1, 8, 90, 100, 104, 105, 120, 3000, 33_000, 270_000];
const NAMES = ['a', 'b', 'zookeeper', 'x'.repeat(9), 'ä€😀', 'n'.repeat(130)];
const LAST = 0x7fffffff;

/** One step: what to do, and two numbers from which it draws. */
export type Step = readonly [kind: number, a: number, b: number];

/**
 * Takes the same steps on a tree and on a model. A step whose numbers name something impossible
 * (removing the root, say) does nothing, so that every list of steps is a test.
 */
export class Walker {
  readonly tree: Tree;
  model: Model = newModel();
  private before: Model | null = null;
  private zxid = 0;
  private readonly options: TreeOptions;
  private image: TreeImage | null = null;
  private loader: TreeLoader | null = null;
  private imaged: Model | null = null;
  private imagedDigest: readonly number[] = [];
  /** Trees loaded from images, with what each has to be equal to. */
  readonly loaded: { tree: Tree; model: Model; digest: readonly number[] }[] = [];

  constructor(options: TreeOptions) {
    this.options = options;
    this.tree = new Tree(options);
    for (let list = 1; list <= LISTS; list++) {
      this.tree.newList();
      this.model.lists.push([]);
    }
  }

  take([kind, a, b]: Step): void {
    if (kind < 6) this.insert(a, b);
    else if (kind < 9) this.remove(a);
    else if (kind < 12) this.setData(a, b);
    else if (kind === 12) this.setStat(a, b);
    else if (kind === 13) this.changeList(a, b);
    else if (kind === 14) this.transaction(b);
    else if (this.before === null) this.stepImage(a, b);
    if (this.before === null) this.tree.settle();
  }

  private path(a: number): string {
    const paths = [...this.model.nodes.keys()];
    return paths[a % paths.length] as string;
  }

  private node(path: string): ModelNode {
    const node = this.model.nodes.get(path);
    if (node === undefined) throw new Error(`the model lacks ${path}`);
    return node;
  }

  insert(a: number, b: number): void {
    const parent = this.path(a);
    const name = `${NAMES[b % NAMES.length]}${b % 5}`.replace('zookeeper0', 'zookeeper');
    const path = `${parent}/${name}`;
    const row = rowOf(this.tree, path);
    if (this.model.nodes.has(path) !== (row !== 0)) throw new Error(`find lies about ${path}`);
    if (row !== 0) return;
    const length = DATA_LENGTHS[(b >>> 4) % DATA_LENGTHS.length] as number;
    const data = length < 0 ? null : new Uint8Array(length).fill(b);
    const bytes = utf8Encode(`<${name}>`);
    const zxid = ++this.zxid;
    const parentRow = rowOf(this.tree, parent);
    this.tree.insert(
      parentRow,
      bytes,
      1,
      bytes.length - 1,
      data ?? NO_BYTES,
      0,
      length,
      zxid,
      zxid,
      0,
      0,
      b,
    );
    this.model.nodes.set(path, newNode(data, zxid, b));
    this.node(parent).children.unshift(name);
  }

  private remove(a: number): void {
    const path = this.path(a);
    const node = this.node(path);
    if (path === '' || node.children.length > 0) return;
    if (node.list !== 0) this.leaveList(path, node);
    this.tree.remove(rowOf(this.tree, path));
    this.model.nodes.delete(path);
    const siblings = this.node(parentPath(path)).children;
    siblings.splice(siblings.indexOf(path.slice(path.lastIndexOf('/') + 1)), 1);
  }

  private setData(a: number, b: number): void {
    const path = this.path(a);
    const length = DATA_LENGTHS[b % DATA_LENGTHS.length] as number;
    const data = length < 0 ? null : new Uint8Array(length).fill(b >>> 3);
    this.tree.setData(rowOf(this.tree, path), data ?? NO_BYTES, 0, length);
    this.node(path).data = data;
  }

  private setStat(a: number, b: number): void {
    const path = this.path(a);
    const row = rowOf(this.tree, path);
    const { tree } = this;
    const node = this.node(path);
    node.mzxid = ++this.zxid * 4_294_967_296 + b;
    node.pzxid = node.mzxid;
    node.mtime = 1_700_000_000_000 + b;
    node.version = (LAST + (b & 1)) | 0;
    node.cversion = (LAST - (b & 3)) | 0;
    node.aversion = -b | 0;
    node.acl = b;
    tree.setMzxid(row, node.mzxid);
    tree.setPzxid(row, node.pzxid);
    tree.setMtime(row, node.mtime);
    tree.setVersion(row, node.version);
    tree.setCversion(row, node.cversion);
    tree.setAversion(row, node.aversion);
    tree.setAcl(row, node.acl);
  }

  private changeList(a: number, b: number): void {
    const path = this.path(a);
    const node = this.node(path);
    if (path === '') return;
    if (node.list !== 0) {
      this.leaveList(path, node);
      return;
    }
    node.list = 1 + (b % LISTS);
    this.model.lists[node.list]?.push(path);
    this.tree.listAdd(node.list, rowOf(this.tree, path));
  }

  private leaveList(path: string, node: ModelNode): void {
    const list = this.model.lists[node.list] as string[];
    list.splice(list.indexOf(path), 1);
    this.tree.listRemove(node.list, rowOf(this.tree, path));
    node.list = 0;
  }

  private transaction(b: number): void {
    if (this.before === null) {
      this.before = copyModel(this.model);
      this.tree.begin();
    } else this.finishTransaction(b % 3 !== 0);
  }

  finishTransaction(isUndone: boolean): void {
    if (this.before === null) return;
    if (isUndone) {
      this.model = this.before;
      this.tree.rollback();
    } else this.tree.commit();
    this.before = null;
    this.tree.settle();
  }

  private stepImage(a: number, b: number): void {
    if (this.image === null) this.startImage();
    else if (b % 50 === 0) this.abandonImage();
    else this.writeImage(4096 + (a % 3) * 30_000);
  }

  private startImage(): void {
    this.imaged = copyModel(this.model);
    this.imagedDigest = digestOf(this.tree);
    this.image = this.tree.beginImage();
    this.loader = new TreeLoader(this.options);
  }

  private abandonImage(): void {
    this.image?.end();
    this.image = null;
  }

  /** The next slice; false at the end. */
  writeImage(maxBytes: number): boolean {
    const slice = this.image?.next(maxBytes) ?? null;
    if (slice !== null) {
      // Cut anywhere: a slice's end means nothing to the loader.
      const cut = slice.length % 97;
      this.loader?.accept(slice.subarray(0, cut));
      this.loader?.accept(slice.subarray(cut));
      return true;
    }
    if (this.image === null || this.loader === null || this.imaged === null) return false;
    const tree = this.loader.finish();
    this.loaded.push({ tree, model: this.imaged, digest: this.imagedDigest });
    this.image.end();
    this.image = null;
    return false;
  }

  finish(): void {
    this.finishTransaction(true);
    while (this.writeImage(65_536));
  }
}

export function digestOf(tree: Tree): readonly number[] {
  return [tree.digestHigh, tree.digestLow, tree.count, tree.dataBytes];
}
