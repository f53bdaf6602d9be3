import { Writer } from '../base/writer.ts';
import { encodeRecord } from '../protocol/codec.ts';
import { AddWatchMode, Err, Op, WatcherType } from '../protocol/constants.ts';
import type { Stat } from '../protocol/records.ts';
import { Call } from './core/call.ts';
import type { WatchEvent, WatchKind, WatchTarget } from './core/watch-table.ts';
import { type As, type Decoded, type Encodable, encodeData } from './data.ts';
import type { CallOptions, Engine } from './engine.ts';
import { errorOf, NoWatcherError } from './errors.ts';
import { Multi } from './multi.ts';
import { MultiRead } from './multi-read.ts';
import { asRecord, type NodeOptions, newCreate } from './node-options.ts';
import {
  type AclEntry,
  type CreatedNode,
  type Identity,
  type NodeAcl,
  type NodeChildren,
  type NodeData,
  nothing,
  readAcl,
  readChildren,
  readCount,
  readIdentities,
  readNames,
  readNodeData,
  readPaths,
  readStat,
} from './reply.ts';
import { Watch, type Watcher, WatchQueue } from './watch.ts';

export interface ReadOptions extends CallOptions {
  /** Told once, of the first change after the state that this read shows. */
  readonly watch?: Watcher;
}

export interface GetDataOptions<A extends As> extends ReadOptions {
  readonly as?: A;
}

export interface VersionOptions extends CallOptions {
  /** Only if the znode has this version; left out, whatever version it has. */
  readonly version?: number;
}

export interface SetDataOptions<A extends As> extends VersionOptions {
  readonly as?: A;
}

export interface CreateOptions<A extends As> extends CallOptions, NodeOptions {
  readonly as?: A;
}

export interface WatchOptions extends CallOptions {
  /** Of everything below the path too; then there are no `childrenChanged` events. */
  readonly recursive?: boolean;
  /** Called with each event, instead of taking them by iteration. */
  readonly onEvent?: (event: WatchEvent) => void;
}

/** Which watches: of the data (or the existence), of the children, or lasting ones. */
export type WatchSelection = 'data' | 'children' | 'persistent' | 'recursive' | 'any';

export interface ReconfigOptions extends CallOptions {
  /** Lines such as `server.4=host:2888:3888;2181`. */
  readonly joining?: readonly string[];
  readonly leaving?: readonly number[];
  /** The whole new ensemble instead of joining and leaving ones. */
  readonly members?: readonly string[];
  /** Only if the configuration has this version; left out, whatever it has. */
  readonly fromVersion?: bigint;
}

const ANY_VERSION = -1;

const SELECTIONS: Readonly<
  Record<WatchSelection, { readonly type: number; readonly kinds: readonly WatchKind[] }>
> = {
  data: { type: WatcherType.data, kinds: ['data', 'exist'] },
  children: { type: WatcherType.children, kinds: ['child'] },
  persistent: { type: WatcherType.persistent, kinds: ['persistent'] },
  recursive: { type: WatcherType.persistentRecursive, kinds: ['recursive'] },
  any: { type: WatcherType.any, kinds: ['data', 'exist', 'child', 'persistent', 'recursive'] },
};

/** Every operation of the protocol, as methods that return promises. */
export class Operations {
  /** What all paths are below; empty: nothing. */
  readonly chroot: string;
  protected readonly engine: Engine;
  private readonly watchers = new WeakMap<object, WatchTarget>();

  constructor(engine: Engine, chroot: string) {
    this.engine = engine;
    this.chroot = chroot;
  }

  /**
   * Creates a znode and returns its path. Throws NodeExistsError, and NoNodeError if the parent is
   * missing.
   */
  create<const A extends As = 'bytes'>(
    path: string,
    data?: Encodable<A>,
    options?: CreateOptions<A>,
  ): Promise<string> {
    return this.createCall(path, data, options, false);
  }

  /** As {@link create}, with the new znode's stat. */
  createWithStat<const A extends As = 'bytes'>(
    path: string,
    data?: Encodable<A>,
    options?: CreateOptions<A>,
  ): Promise<CreatedNode> {
    return this.createCall(path, data, options, true);
  }

  /** Deletes a znode without children. Throws NoNodeError, BadVersionError, NotEmptyError. */
  delete(path: string, options?: VersionOptions): Promise<void> {
    const call = new Call(Op.delete, path, nothing);
    call.argument = options?.version ?? ANY_VERSION;
    return this.engine.submit(call, options);
  }

  /** The znode's stat; null if there is none. A watch is told when it comes, goes or changes. */
  exists(path: string, options?: ReadOptions): Promise<Stat | null> {
    return this.read(new Call(Op.exists, path, readStat), options);
  }

  /** The znode's data and stat. Throws NoNodeError; a watch is set only if it does not. */
  getData<const A extends As = 'bytes'>(
    path: string,
    options?: GetDataOptions<A>,
  ): Promise<NodeData<Decoded<A>>> {
    const call = new Call(Op.getData, path, readNodeData);
    call.context = options?.as;
    return this.read(call, options);
  }

  /** Replaces the znode's data. Throws NoNodeError, BadVersionError. */
  setData<const A extends As = 'bytes'>(
    path: string,
    data: Encodable<A>,
    options?: SetDataOptions<A>,
  ): Promise<Stat> {
    const call = new Call(Op.setData, path, readStat);
    call.argument = options?.version ?? ANY_VERSION;
    return this.submitData(call, data, options);
  }

  /** The names of the children, in no promised order. Throws NoNodeError. */
  getChildren(path: string, options?: ReadOptions): Promise<string[]> {
    return this.read(new Call(Op.getChildren, path, readNames), options);
  }

  /** As {@link getChildren}, with the stat of the parent. */
  getChildrenWithStat(path: string, options?: ReadOptions): Promise<NodeChildren> {
    return this.read(new Call(Op.getChildren2, path, readChildren), options);
  }

  /** How many znodes there are below. */
  getAllChildrenNumber(path: string, options?: CallOptions): Promise<number> {
    return this.engine.submit(new Call(Op.getAllChildrenNumber, path, readCount), options);
  }

  /** The paths of this session's ephemerals that begin with the prefix, as text. */
  getEphemerals(prefix = '/', options?: CallOptions): Promise<string[]> {
    const call = new Call(Op.getEphemerals, prefix, readPaths);
    call.context = this.chroot;
    return this.engine.submit(call, options);
  }

  getACL(path: string, options?: CallOptions): Promise<NodeAcl> {
    return this.engine.submit(new Call(Op.getACL, path, readAcl), options);
  }

  /** The version is the ACL's own, `aversion`. */
  setACL(path: string, acl: readonly AclEntry[], options?: VersionOptions): Promise<Stat> {
    const call = new Call(Op.setACL, path, readStat);
    call.acl = acl.map(asRecord);
    call.argument = options?.version ?? ANY_VERSION;
    return this.engine.submit(call, options);
  }

  /** After it, this client reads at least what the leader had when it was asked. */
  sync(path = '/', options?: CallOptions): Promise<void> {
    return this.engine.submit(new Call(Op.sync, path, nothing), options);
  }

  /** The identities that this connection has. */
  whoAmI(options?: CallOptions): Promise<Identity[]> {
    return this.engine.submit(new Call(Op.whoAmI, '', readIdentities), options);
  }

  /**
   * Signs in, now and on every later connection: `addAuth('digest', 'user:password')`. Throws
   * AuthFailedError.
   */
  addAuth(scheme: string, auth: Uint8Array | string, options?: CallOptions): Promise<void> {
    return this.engine.submitCredential(credentialCall(scheme, auth), options);
  }

  /** Operations that are carried out together, or not at all; see {@link Multi}. */
  multi(): Multi {
    return new Multi(this.engine, this.chroot);
  }

  /** Reads of one moment; see {@link MultiRead}. */
  multiRead(): MultiRead {
    return new MultiRead(this.engine, this.chroot);
  }

  /**
   * Watches a path for good, whether there is a znode or not. Events come in the order of the
   * changes. After each reconnection comes `resync`: what happened meanwhile is not told.
   */
  async watch(path: string, options: WatchOptions = {}): Promise<Watch> {
    const { recursive = false, onEvent = null } = options;
    const watch = new Watch(path, onEvent, (closed) => this.removeWatch(closed, recursive));
    const call = new Call(Op.addWatch, path, nothing);
    call.argument = recursive ? AddWatchMode.persistentRecursive : AddWatchMode.persistent;
    call.watcher = watch;
    await this.engine.submit<void>(call, options);
    return watch;
  }

  /**
   * Ends all of this client's watches of that kind on the path: queues end, functions are not
   * called any more. Throws NoWatcherError if there is none.
   */
  async removeWatches(
    path: string,
    selection: WatchSelection,
    options?: CallOptions,
  ): Promise<void> {
    const { type, kinds } = SELECTIONS[selection];
    const { session } = this.engine;
    const hasAny = kinds.some((kind) => session.watching.table.tables[kind].has(path));
    if (!hasAny) throw errorOf({ code: Err.noWatcher, operation: 'removeWatches', path });
    session.dropWatches(path, kinds);
    this.engine.perform();
    await this.removeOnServer(path, type, options);
  }

  /** Whether the server has a watch of this connection of that kind. */
  async checkWatches(
    path: string,
    selection: WatchSelection,
    options?: CallOptions,
  ): Promise<boolean> {
    const call = new Call(Op.checkWatches, path, nothing);
    call.argument = SELECTIONS[selection].type;
    try {
      await this.engine.submit<void>(call, options);
      return true;
    } catch (error) {
      if (error instanceof NoWatcherError) return false;
      throw error;
    }
  }

  /** The text of the ensemble's configuration, which ends with its version. */
  getConfig(options?: CallOptions): Promise<NodeData<string>> {
    const call = new Call(Op.getData, '/zookeeper/config', readNodeData);
    call.isAbsolute = true;
    call.context = 'string';
    return this.engine.submit(call, options);
  }

  /** Changes the ensemble, and returns its new configuration. */
  reconfig(options: ReconfigOptions): Promise<NodeData<string>> {
    const { joining, leaving, members, fromVersion } = options;
    const call = new Call(Op.reconfig, '', readNodeData);
    const writer = new Writer();
    encodeRecord(writer, 'ReconfigRequest', {
      joiningServers: joining?.join(',') ?? null,
      leavingServers: leaving?.join(',') ?? null,
      newMembers: members?.join(',') ?? null,
      curConfigId: fromVersion === undefined ? -1 : Number(fromVersion),
    });
    call.body = writer.written();
    call.context = 'string';
    return this.engine.submit(call, options);
  }

  private createCall<T, A extends As>(
    path: string,
    data: Encodable<A> | undefined,
    options: CreateOptions<A> | undefined,
    withStat: boolean,
  ): Promise<T> {
    const call = newCreate(path, options, withStat);
    if (call === null) {
      const note = 'a container has no number, and a TTL is for persistent znodes';
      const details = { code: Err.badArguments, operation: 'create', path, note };
      return Promise.reject(errorOf(details));
    }
    call.context = this.chroot;
    return this.submitData(call, data, options);
  }

  private submitData<T>(
    call: Call,
    data: unknown,
    options: (CallOptions & { readonly as?: As }) | undefined,
  ): Promise<T> {
    try {
      call.data = encodeData(data, options?.as);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.engine.submit(call, options);
  }

  private read<T>(call: Call, options: ReadOptions | undefined): Promise<T> {
    const watch = options?.watch;
    if (watch !== undefined) {
      call.watcher = this.targetOf(watch);
      call.argument = 1;
    }
    return this.engine.submit(call, options);
  }

  /** One function is one target, however often it is given: it is told of an event once. */
  private targetOf(watcher: Watcher): WatchTarget {
    if (watcher instanceof WatchQueue) return watcher;
    const known = this.watchers.get(watcher);
    if (known !== undefined) return known;
    const target: WatchTarget = { onEvent: watcher, onEnd: () => {} };
    this.watchers.set(watcher, target);
    return target;
  }

  private async removeWatch(watch: Watch, recursive: boolean): Promise<void> {
    const kind = recursive ? 'recursive' : 'persistent';
    const { table } = this.engine.session.watching;
    if (!table.remove(kind, watch.path, watch)) return;
    // Servers before 3.9 know no other way to remove a lasting watch than with all on its path.
    const hasOthers = SELECTIONS.any.kinds.some((one) => table.tables[one].has(watch.path));
    const { type } = hasOthers ? SELECTIONS[kind] : SELECTIONS.any;
    await this.removeOnServer(watch.path, type, undefined);
  }

  /** Where the watch has gone already, or the client is closed, there is nothing to remove. */
  private async removeOnServer(
    path: string,
    type: number,
    options: CallOptions | undefined,
  ): Promise<void> {
    if (this.engine.session.isClosed) return;
    const call = new Call(Op.removeWatches, path, nothing);
    call.argument = type;
    try {
      await this.engine.submit<void>(call, options);
    } catch (error) {
      if (!(error instanceof NoWatcherError)) throw error;
    }
  }
}

/** The request that signs in; it is sent again on each connection. */
export function credentialCall(scheme: string, auth: Uint8Array | string): Call {
  const call = new Call(Op.auth, '', nothing);
  const writer = new Writer();
  writer.i32(0);
  writer.ustring(scheme);
  if (typeof auth === 'string') writer.ustring(auth);
  else writer.buffer(auth);
  call.body = writer.written().slice();
  call.xid = -4;
  return call;
}
