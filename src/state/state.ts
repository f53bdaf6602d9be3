import type { Reader } from '../base/reader.ts';
import { type Acl, AclTable } from './acl.ts';
import { permits } from './acl-rules.ts';
import { applyCommand } from './apply.ts';
import { Context } from './context.ts';
import { Ensemble } from './ensemble.ts';
import { planReconfig } from './ensemble-commands.ts';
import { finish, LANE_HIGH, LANE_LOW, mix, Sum64 } from './hash.ts';
import type { Identities } from './identities.ts';
import { StateImage } from './image.ts';
import type { Membership } from './membership.ts';
import type { Outcome } from './outcome.ts';
import { Query } from './query.ts';
import { forEachReapable, type ReapVisitor } from './reap.ts';
import type { ReconfigPlan } from './reconfig.ts';
import { Sessions } from './sessions.ts';
import { plantSystemNodes } from './system-nodes.ts';
import type { Row } from './tree/layout.ts';
import { Tree, type TreeOptions } from './tree/tree.ts';

export { takesMemory, wellFormedWrite } from './write-request.ts';

const TWO_32 = 4_294_967_296;

/** Object, hash and place in the map of one session, on the heap. */
const SESSION_BYTES = 384;

export interface StateOptions extends TreeOptions {
  /** What apply can do; absent: all that this version can. */
  readonly levelSupported?: number;
}

/** What all replicas agree on: znodes, ACLs, sessions, quotas. `README.md` tells the rules. */
export class State {
  readonly tree: Tree;
  readonly sessions: Sessions;
  readonly acls: AclTable;
  /** The reads. */
  readonly query: Query;
  /** The last slot whose commands have all been applied. */
  slot = 0;
  private readonly context: Context;

  /** As a fresh server has it, or, for the loader, around what an image held. */
  constructor(options: StateOptions, loaded?: Context) {
    this.context = loaded ?? freshContext(options);
    this.tree = this.context.tree;
    this.sessions = this.context.sessions;
    this.acls = this.context.acls;
    this.query = new Query(this.context);
  }

  /** Last processed. */
  get zxid(): number {
    return this.context.zxid;
  }

  set zxid(zxid: number) {
    this.context.zxid = zxid;
  }

  /** The latest time that a command named. */
  get timeMs(): number {
    return this.context.timeMs;
  }

  set timeMs(timeMs: number) {
    this.context.timeMs = timeMs;
  }

  /** Who belongs to the ensemble; null before genesis, and on a server alone. */
  get membership(): Membership | null {
    return this.context.ensemble.membership;
  }

  get clusterId(): Uint8Array | null {
    return this.context.ensemble.clusterId;
  }

  /** The behaviour level that the log has agreed on. */
  get level(): number {
    return this.context.ensemble.level;
  }

  /** The highest one that this replica can follow. */
  get levelSupported(): number {
    return this.context.ensemble.levelSupported;
  }

  /** False when the next epoch could no longer be told exactly: about 2 million elections. */
  get hasEpochsLeft(): boolean {
    return this.context.hasEpochsLeft;
  }

  /** About what the state takes in memory, on the heap and off it. */
  get bytesUsed(): number {
    const { tree, acls, sessions } = this;
    return tree.bytesUsed + acls.bytesUsed + sessions.size * SESSION_BYTES;
  }

  /** Whoever has the say refuses what takes memory from here on; apply itself never does. */
  get isFull(): boolean {
    return this.bytesUsed >= this.tree.maxBytes;
  }

  applied(slot: number): void {
    this.slot = slot;
  }

  /** Applies one command, which `command` spans exactly. Read the outcome before the next one. */
  apply(command: Reader): Outcome {
    return applyCommand(this.context, command);
  }

  /**
   * What would come of a reconfig, as far as the state alone can tell: the leader asks before it
   * proposes. `command` is the whole command; a number is the error that apply would answer.
   */
  planReconfig(command: Reader): ReconfigPlan | number {
    return planReconfig(this.context, command);
  }

  find(bytes: Uint8Array, from: number, to: number): Row {
    return this.tree.find(bytes, from, to);
  }

  permits(acl: Acl, perm: number, identities: Identities, flags: number): boolean {
    return permits(acl, perm, identities, flags);
  }

  forEachReapable(nowMs: number, maxNeverUsedIntervalMs: number, visit: ReapVisitor): void {
    forEachReapable(this.context, nowMs, maxNeverUsedIntervalMs, visit);
  }

  beginImage(): StateImage {
    return new StateImage(this.context, this.slot);
  }

  get digestHigh(): number {
    return this.digest().high;
  }

  get digestLow(): number {
    return this.digest().low;
  }

  /** Equal on replicas that agree: znodes, ACLs, sessions, membership, last zxid and time. */
  private digest(): Sum64 {
    const { tree, sessions, acls } = this;
    const { ensemble } = this.context;
    const sum = new Sum64();
    sum.add(tree.digestHigh, tree.digestLow);
    sum.add(sessions.digest.high, sessions.digest.low);
    sum.add(acls.digest.high, acls.digest.low);
    sum.add(ensemble.digest.high, ensemble.digest.low);
    sum.add(this.clockHash(LANE_HIGH), this.clockHash(LANE_LOW));
    return sum;
  }

  private clockHash(lane: number): number {
    let hash = lane;
    for (const value of [this.zxid, this.timeMs]) {
      hash = mix(mix(hash, Math.floor(value / TWO_32)), value | 0);
    }
    return finish(hash);
  }
}

function freshContext(options: StateOptions): Context {
  const tree = new Tree(options);
  const acls = new AclTable();
  const lists = { containers: tree.newList(), ttls: tree.newList() };
  plantSystemNodes(tree, acls);
  const ensemble = new Ensemble(options.levelSupported);
  return new Context(tree, lists, acls, new Sessions(), ensemble);
}
