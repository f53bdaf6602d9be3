import { utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { encodeRecord } from '../../protocol/codec.ts';
import { Err, Op, Perm } from '../../protocol/constants.ts';
import type { Stat } from '../../protocol/records.ts';
import { CommandFlag, CommandKind } from '../command.ts';
import { Verdict } from '../outcome.ts';
import { type Entry, GENESIS_TEXT, OPEN_ENTRIES } from './commands.ts';
import {
  CONTAINER,
  effectiveOpcode,
  ensure,
  Failure,
  freshNode,
  isEphemeral,
  LIMITS,
  type ModelNode,
  type ModelOutcome,
  type ModelSession,
  type PlainCommand,
  type PlainWrite,
  parentOf,
  QUOTA,
  STATS,
  sizeOf,
  TTL,
} from './model-parts.ts';
import {
  type Asker,
  modelExpandAcl,
  modelParseTrack,
  modelPathIsValid,
  modelPermits,
  modelSuffix,
} from './model-rules.ts';

/**
 * The whole state once more, as simply as it can be said: maps of plain objects, a deep copy for a
 * rollback, strings for paths and data. Property tests run it beside the real one.
 */

export class Model {
  /** In the order of creation; the root is "/". */
  nodes: Map<string, ModelNode> = new Map();
  sessions: Map<string, ModelSession> = new Map();
  zxid = 0;
  timeMs = 0;
  /** Null before genesis. */
  membershipVersion: number | null = null;
  protected out: Writer = new Writer();
  private changes: string[] = [];
  protected command!: PlainCommand;
  /** What quota checks go by: the state before the multi. */
  private committed = this.nodes;

  constructor() {
    for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      this.nodes.set(path, freshNode('', 0, 0, 0n, OPEN_ENTRIES));
    }
    this.node('/zookeeper/config').acl = [{ perms: 1, scheme: 'world', id: 'anyone' }];
    this.node('/zookeeper/config').aversion = -1;
  }

  apply(command: PlainCommand): ModelOutcome {
    this.command = command;
    this.timeMs = Math.max(this.timeMs, command.timeMs);
    this.out = new Writer();
    this.changes = [];
    const outcome: ModelOutcome = {
      verdict: Verdict.applied,
      error: 0,
      zxid: 0,
      generation: command.generation,
      timeoutMs: 0,
      closedSession: false,
      body: new Uint8Array(0),
      changes: this.changes,
    };
    this.dispatch(outcome);
    outcome.zxid = this.zxid;
    outcome.body = outcome.error === 0 ? this.out.written().slice() : new Uint8Array(0);
    outcome.changes = this.changes;
    return outcome;
  }

  private dispatch(outcome: ModelOutcome): void {
    switch (this.command.kind) {
      case CommandKind.openSession:
      case CommandKind.attachSession:
        this.openOrAttach(outcome);
        return;
      case CommandKind.expireSession: {
        const session = this.sessions.get(this.sessionKey);
        if (session?.generation !== this.command.generation) {
          outcome.verdict = Verdict.refused;
          return;
        }
        this.nextZxid();
        this.closeSession(outcome);
        return;
      }
      case CommandKind.reapNode:
        this.nextZxid();
        outcome.error = this.attempt(() => this.reap(String(this.command.path)));
        return;
      case CommandKind.genesis:
        if (this.membershipVersion !== null) outcome.verdict = Verdict.repeat;
        else this.found();
        return;
      case CommandKind.openEpoch:
        if (this.command.opensEpoch !== true) return;
        this.zxid = (Math.floor(this.zxid / 2 ** 32) + 1) * 2 ** 32;
        if (this.membershipVersion === 0) this.showMembership(this.zxid);
        return;
      case CommandKind.sessionAges: {
        const session = this.sessions.get(this.sessionKey);
        if (session?.generation === this.command.generation) session.age = this.command.age ?? 0;
        return;
      }
      case CommandKind.mark:
        return;
      default:
        this.clientWrite(outcome);
    }
  }

  /** What the first command of an ensemble does; who knows more than one ensemble overrides it. */
  protected found(): void {
    this.showMembership(0);
  }

  /** Throws what a reconfig is refused with. */
  protected reconfigure(): void {
    ensure(this.flag(CommandFlag.reconfigEnabled), Err.reconfigDisabled);
    ensure(this.membershipVersion !== null, Err.unimplemented);
    this.require(this.node('/zookeeper/config'), Perm.write);
  }

  protected membershipText(version: number): string {
    return `${GENESIS_TEXT}\nversion=${version.toString(16)}`;
  }

  protected showMembership(version: number): void {
    this.membershipVersion = version;
    const node = this.node('/zookeeper/config');
    const before = sizeOf(node.data);
    node.data = this.membershipText(version);
    node.version = -1;
    node.mzxid = version;
    node.mtime = this.timeMs;
    this.changes.push('changed /zookeeper/config');
    this.addUsage('/zookeeper/config', 0, sizeOf(node.data) - before);
  }

  get sessionKey(): string {
    return `${this.command.high}:${this.command.low}`;
  }

  private nextZxid(): void {
    this.zxid++;
    if (this.zxid % 2 ** 32 === 0) this.zxid++;
  }

  private attempt(operation: () => void): number {
    try {
      operation();
      return 0;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return error.code;
    }
  }

  private openOrAttach(outcome: ModelOutcome): void {
    const opening = this.command.opening ?? { timeoutMs: 0, hash: '' };
    const known = this.sessions.get(this.sessionKey);
    if (this.command.kind === CommandKind.openSession) {
      if (known !== undefined) {
        const repeat = known.hash === opening.hash;
        outcome.verdict = repeat ? Verdict.repeat : Verdict.refused;
        outcome.error = repeat ? 0 : Err.sessionExpired;
        return;
      }
      this.nextZxid();
      this.sessions.set(this.sessionKey, { ...opening, generation: 1, sequence: 0, age: 0 });
      outcome.generation = 1;
    } else {
      if (known === undefined || known.hash !== opening.hash) {
        outcome.verdict = Verdict.refused;
        outcome.error = Err.sessionExpired;
        return;
      }
      if (known.generation !== this.command.generation) {
        outcome.verdict = Verdict.refused;
        outcome.error = Err.sessionMoved;
        outcome.generation = known.generation;
        return;
      }
      known.generation = known.generation === 2 ** 31 - 1 ? 1 : known.generation + 1;
      known.sequence = 0;
      known.age = 0;
      known.timeoutMs = opening.timeoutMs;
      outcome.generation = known.generation;
    }
    outcome.timeoutMs = opening.timeoutMs;
  }

  private clientWrite(outcome: ModelOutcome): void {
    const { generation, sequence, kind, code } = this.command;
    const session = this.sessions.get(this.sessionKey);
    if (session === undefined || session.generation !== generation) {
      outcome.verdict = Verdict.refused;
      outcome.error = session === undefined ? Err.sessionExpired : Err.sessionMoved;
      return;
    }
    if (sequence !== session.sequence + 1) {
      outcome.verdict = sequence <= session.sequence ? Verdict.repeat : Verdict.refused;
      return;
    }
    session.sequence = sequence;
    session.age = 0;
    this.nextZxid();
    if (kind === CommandKind.reject) outcome.error = code ?? 0;
    else if (this.command.opcode === Op.closeSession) this.closeSession(outcome);
    else outcome.error = this.attempt(() => this.request(this.command.write as PlainWrite));
  }

  private closeSession(outcome: ModelOutcome): void {
    const owner = this.sessionId();
    for (const [path, node] of [...this.nodes]) {
      if (isEphemeral(node.owner) && node.owner === owner) this.removeNode(path);
    }
    this.sessions.delete(this.sessionKey);
    outcome.closedSession = true;
  }

  private sessionId(): bigint {
    const { high, low } = this.command;
    return BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
  }

  private request(write: PlainWrite): void {
    if (write.opcode === Op.multi) this.multi(write.ops ?? []);
    else if (write.opcode === Op.reconfig) {
      this.reconfigure();
      const node = this.node('/zookeeper/config');
      this.showMembership(this.zxid);
      const stat = this.stat('/zookeeper/config');
      encodeRecord(this.out, 'GetDataResponse', { data: utf8Encode(String(node.data)), stat });
    } else {
      ensure(write.path !== null, Err.marshallingError);
      this.committed = this.nodes;
      this.single(write, write.opcode);
    }
  }

  private single(write: PlainWrite, opcode: number): void {
    const path = write.path as string;
    const version = write.version ?? -1;
    switch (opcode) {
      case Op.delete:
        this.remove(path, version);
        return;
      case Op.setData:
        this.setData(path, write.data ?? null, version);
        return;
      case Op.setACL:
        this.setACL(path, write.acl === undefined ? OPEN_ENTRIES : write.acl, version);
        return;
      case Op.check:
        this.check(path, version);
        return;
      default:
        this.create(write, opcode);
    }
  }

  private multi(ops: readonly PlainWrite[]): void {
    const allowed: number[] = [
      Op.create,
      Op.create2,
      Op.createContainer,
      Op.createTTL,
      Op.delete,
      Op.setData,
      Op.check,
    ];
    for (const op of ops) {
      const flags = op.flags ?? 0;
      const decodable = allowed.includes(op.opcode) && op.path !== null;
      const fits = flags <= 4 || op.opcode === Op.createTTL;
      ensure(decodable && fits && flags >= 0 && flags <= 6, Err.marshallingError);
    }
    const before = new Map([...this.nodes].map(([path, node]) => [path, { ...node }]));
    this.committed = before;
    for (const [index, op] of ops.entries()) {
      const opcode = effectiveOpcode(op);
      const type = opcode === Op.createContainer || opcode === Op.createTTL ? 15 : opcode;
      encodeRecord(this.out, 'MultiHeader', { type, done: false, err: 0 });
      const code = this.attempt(() => this.single(op, opcode));
      if (code === 0) continue;
      this.nodes = before;
      this.changes = [];
      this.out = new Writer();
      for (let i = 0; i < ops.length; i++) this.errorResult(i < index ? 0 : i > index ? -2 : code);
      break;
    }
    encodeRecord(this.out, 'MultiHeader', { type: -1, done: true, err: -1 });
  }

  private errorResult(err: number): void {
    encodeRecord(this.out, 'MultiHeader', { type: -1, done: false, err });
    encodeRecord(this.out, 'ErrorResponse', { err });
  }

  protected flag(flag: number): boolean {
    return (this.command.flags & flag) !== 0;
  }

  private asker(): Asker {
    return {
      identities: this.command.identities,
      skipACL: this.flag(CommandFlag.skipACL),
      flags: this.command.flags,
    };
  }

  node(path: string): ModelNode {
    const node = this.nodes.get(path === '' ? '/' : path);
    ensure(node !== undefined, Err.noNode);
    return node;
  }

  childrenOf(path: string): string[] {
    return [...this.nodes.keys()].filter(
      (other) => other !== '/' && parentOf(other) === (path || '/'),
    );
  }

  protected require(node: ModelNode, mask: number): void {
    ensure(modelPermits(node.acl, mask, this.asker()), Err.noAuth);
  }

  private create(write: PlainWrite, opcode: number): void {
    const { flags = 0, ttl = -1, data = '' } = write;
    let path = write.path as string;
    ensure(flags >= 0 && flags <= 6, Err.badArguments);
    const withTTL = flags === 5 || flags === 6;
    if (withTTL) ensure(this.flag(CommandFlag.extendedTypes), Err.unimplemented);
    if (withTTL)
      ensure(opcode === Op.createTTL && ttl > 0 && ttl <= 0xffffffffff, Err.badArguments);
    else ensure(opcode !== Op.createTTL, Err.badArguments);
    ensure(path.includes('/') && !path.includes('\0'), Err.badArguments);
    const asked = write.acl === undefined ? OPEN_ENTRIES : write.acl;
    const acl = modelExpandAcl(asked, this.command.identities, this.command.flags);
    ensure(acl !== null, Err.invalidACL);
    const parentPath = path.slice(0, path.lastIndexOf('/'));
    const parent = this.node(parentPath);
    this.require(parent, Perm.create);
    if (flags === 2 || flags === 3 || flags === 6) path += modelSuffix(parent.cversion);
    ensure(modelPathIsValid(path), Err.badArguments);
    ensure(!this.nodes.has(path), Err.nodeExists);
    ensure(!isEphemeral(parent.owner), Err.noChildrenForEphemerals);
    this.checkQuota(path, 1, sizeOf(data));

    let owner = flags === 1 || flags === 3 ? this.sessionId() : 0n;
    if (opcode === Op.createContainer) owner = CONTAINER;
    if (opcode === Op.createTTL) owner = TTL | BigInt(ttl);
    const node = freshNode(data, this.zxid, this.timeMs, owner, acl);
    this.nodes.set(path, node);
    if (parent.cversion < 2 ** 31 - 1) {
      parent.cversion++;
      parent.pzxid = this.zxid;
    }
    this.changes.push(`created ${path}`);
    if (opcode === Op.create) encodeRecord(this.out, 'CreateResponse', { path });
    else encodeRecord(this.out, 'Create2Response', { path, stat: this.stat(path) });
    if (path.startsWith(`${QUOTA}/`) && path.endsWith(STATS)) this.computeUsage(path);
    this.addUsage(path, 1, sizeOf(data));
  }

  private remove(path: string, version: number): void {
    ensure(path.includes('/') && !path.includes('\0'), Err.badArguments);
    const system = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'];
    ensure(!system.includes(path), Err.badArguments);
    this.require(this.node(path.slice(0, path.lastIndexOf('/'))), Perm.delete);
    const node = this.node(path);
    ensure(version === -1 || version === node.version, Err.badVersion);
    ensure(this.childrenOf(path).length === 0, Err.notEmpty);
    this.removeNode(path);
  }

  private removeNode(path: string): void {
    const node = this.node(path);
    this.nodes.delete(path);
    this.node(parentOf(path)).pzxid = this.zxid;
    this.changes.push(`deleted ${path}`);
    this.addUsage(path, -1, -sizeOf(node.data));
  }

  private setData(path: string, data: string | null, version: number): void {
    ensure(modelPathIsValid(path), Err.badArguments);
    const node = this.node(path);
    this.require(node, Perm.write);
    const growth = sizeOf(data) - sizeOf(node.data);
    this.checkQuota(path, 0, growth);
    ensure(version === -1 || version === node.version, Err.badVersion);
    node.data = data;
    node.version = (node.version + 1) | 0;
    node.mzxid = this.zxid;
    node.mtime = this.timeMs;
    this.changes.push(`changed ${path}`);
    encodeRecord(this.out, 'SetDataResponse', { stat: this.stat(path) });
    this.addUsage(path, 0, growth);
  }

  private setACL(path: string, asked: readonly Entry[] | null, version: number): void {
    ensure(modelPathIsValid(path), Err.badArguments);
    const acl = modelExpandAcl(asked, this.command.identities, this.command.flags);
    ensure(acl !== null, Err.invalidACL);
    const node = this.node(path);
    this.require(node, Perm.admin);
    ensure(version === -1 || version === node.aversion, Err.badVersion);
    node.acl = acl;
    node.aversion = (node.aversion + 1) | 0;
    encodeRecord(this.out, 'SetACLResponse', { stat: this.stat(path) });
  }

  private check(path: string, version: number): void {
    ensure(modelPathIsValid(path), Err.badArguments);
    const node = this.node(path);
    this.require(node, Perm.read);
    ensure(version === -1 || version === node.version, Err.badVersion);
  }

  private reap(path: string): void {
    const node = this.node(path);
    ensure(this.childrenOf(path).length === 0, Err.notEmpty);
    const ttl = node.owner >> 56n === 0xffn;
    const outlived = ttl && this.timeMs - node.mtime > Number(node.owner & 0xffffffffffn);
    ensure(node.owner === CONTAINER || outlived, Err.badVersion);
    this.removeNode(path);
  }

  stat(path: string): Stat {
    const node = this.node(path);
    const numChildren = this.childrenOf(path).length;
    return {
      czxid: node.czxid,
      mzxid: node.mzxid,
      ctime: node.ctime,
      mtime: node.mtime,
      version: node.version,
      cversion: (2 * node.cversion - numChildren) | 0,
      aversion: node.aversion,
      ephemeralOwner: isEphemeral(node.owner) ? node.owner : 0n,
      dataLength: sizeOf(node.data),
      numChildren,
      pzxid: node.pzxid,
    };
  }

  /** The path of the nearest quota at or above `path`. */
  private quotaOf(path: string, nodes: Map<string, ModelNode>): string | null {
    for (let at = path; at !== '/'; at = parentOf(at)) {
      if (nodes.has(QUOTA + at + LIMITS)) return at;
    }
    return null;
  }

  private checkQuota(path: string, count: number, bytes: number): void {
    if (!this.flag(CommandFlag.enforceQuota)) return;
    const quota = this.quotaOf(path, this.committed);
    if (quota === null) return;
    const limits = this.committed.get(QUOTA + quota + LIMITS);
    const stats = this.committed.get(QUOTA + quota + STATS);
    if (limits === undefined || stats === undefined) return;
    const { countHardLimit, byteHardLimit } = modelParseTrack(limits.data ?? '');
    const usage = modelParseTrack(stats.data ?? '');
    const tooMany = count > 0 && countHardLimit > -1 && usage.count + count > countHardLimit;
    const tooLarge = bytes !== 0 && byteHardLimit > -1 && usage.bytes + bytes > byteHardLimit;
    ensure(!tooMany && !tooLarge, Err.quotaExceeded);
  }

  private addUsage(path: string, count: number, bytes: number): void {
    const quota = this.quotaOf(path, this.nodes);
    const stats = quota === null ? undefined : this.nodes.get(QUOTA + quota + STATS);
    if (stats === undefined || (count === 0 && bytes === 0)) return;
    const usage = modelParseTrack(stats.data ?? '');
    stats.data = `count=${usage.count + count},bytes=${usage.bytes + bytes}`;
  }

  private computeUsage(statsPath: string): void {
    const top = statsPath.slice(QUOTA.length, -STATS.length) || '/';
    let count = 0;
    let bytes = 0;
    for (const [path, node] of this.nodes) {
      if (path !== top && top !== '/' && !path.startsWith(`${top}/`)) continue;
      count++;
      bytes += sizeOf(node.data);
    }
    this.node(statsPath).data = `count=${count},bytes=${bytes}`;
  }
}
