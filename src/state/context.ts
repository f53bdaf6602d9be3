import type { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { type Acl, AclTable, decodeAcl } from './acl.ts';
import { expandAcl, permits, permitsAnyone } from './acl-rules.ts';
import { CommandFlag, CommandHeader } from './command.ts';
import { Ensemble } from './ensemble.ts';
import type { Identities } from './identities.ts';
import { IdentitiesCache } from './identities-cache.ts';
import { Outcome } from './outcome.ts';
import { Quota } from './quota.ts';
import { Sessions } from './sessions.ts';
import type { Row } from './tree/layout.ts';
import type { Tree } from './tree/tree.ts';
import { WriteRequest } from './write-request.ts';

const COUNTER_MAX = 0xffff_ffff;
const TWO_32 = 4_294_967_296;
/** A number holds a zxid exactly as long as its epoch stays below this. */
const EPOCHS_MAX = 2_097_152;
const ACL_CACHE_ENTRIES = 16;
const ACL_CACHED_BYTES_MAX = 1_024;

/** What an ACL's validity depends on besides its bytes. */
const PROVIDER_FLAGS: number =
  CommandFlag.digestDisabled | CommandFlag.x509Enabled | CommandFlag.saslEnabled;

interface KnownAcl {
  readonly raw: Uint8Array;
  readonly flags: number;
  readonly acl: Acl;
}

/** The tree's lists of nodes that may have to be reaped. */
export interface ReapLists {
  readonly containers: number;
  readonly ttls: number;
}

/**
 * What one command is applied with: the parts of the state, the command's header, and the one
 * outcome that is reused. Operations are functions of it.
 */
export class Context {
  readonly tree: Tree;
  readonly acls: AclTable;
  readonly sessions: Sessions;
  readonly quota: Quota;
  readonly lists: ReapLists;
  readonly ensemble: Ensemble;
  readonly outcome: Outcome = new Outcome();
  readonly header: CommandHeader = new CommandHeader();
  readonly request: WriteRequest = new WriteRequest();
  /** For paths that are not in the command as they are. */
  readonly path: Writer = new Writer(256);
  /** Last processed. */
  zxid = 0;
  timeMs = 0;
  /** The command being applied. */
  bytes: Uint8Array = new Uint8Array(0);
  /** The operation's number inside a multi; -1 outside. */
  multiIndex = -1;
  /** The operation of a multi that failed. */
  failedIndex = -1;
  private readonly identitiesCache = new IdentitiesCache();
  private readonly aclCache: KnownAcl[] = [];
  private aclCacheNext = 0;

  constructor(
    tree: Tree,
    lists: ReapLists,
    acls: AclTable = new AclTable(),
    sessions: Sessions = new Sessions(),
    ensemble: Ensemble = new Ensemble(),
  ) {
    this.tree = tree;
    this.lists = lists;
    this.acls = acls;
    this.sessions = sessions;
    this.ensemble = ensemble;
    this.quota = new Quota(tree, this.outcome.exceeded);
  }

  /** Decodes the header and leaves `command` at the body. */
  begin(command: Reader): void {
    const { header, outcome } = this;
    header.decode(command);
    this.bytes = command.bytes;
    // Clocks of successive leaders differ; time in the tree never runs backward.
    if (Number.isSafeInteger(header.timeMs) && header.timeMs > this.timeMs) {
      this.timeMs = header.timeMs;
    }
    outcome.verdict = 0;
    outcome.kind = header.kind;
    outcome.opcode = header.opcode;
    outcome.error = 0;
    outcome.zxid = this.zxid;
    outcome.sessionHigh = header.sessionHigh;
    outcome.sessionLow = header.sessionLow;
    outcome.generation = header.generation;
    outcome.sequence = header.sequence;
    outcome.timeoutMs = 0;
    outcome.closedSession = false;
    outcome.body.clear();
    outcome.changes.clear();
    outcome.exceeded.what = '';
  }

  takeZxid(): void {
    const counter = this.zxid % TWO_32;
    // An exhausted counter opens the next epoch here, without an election; its counter 0 is the
    // opening itself, as it is for a new leader.
    this.zxid += counter === COUNTER_MAX ? 2 : 1;
    this.outcome.zxid = this.zxid;
  }

  /** The next zxid is counter 1 of the next epoch. With none left the present one goes on. */
  openEpoch(): void {
    if (!this.hasEpochsLeft) return;
    this.zxid = (Math.floor(this.zxid / TWO_32) + 1) * TWO_32;
    this.outcome.zxid = this.zxid;
  }

  get hasEpochsLeft(): boolean {
    return this.zxid < (EPOCHS_MAX - 1) * TWO_32;
  }

  hasFlag(flag: number): boolean {
    return (this.header.flags & flag) !== 0;
  }

  identities(): Identities {
    const { identitiesAt, identitiesLength } = this.header;
    return this.identitiesCache.get(this.bytes, identitiesAt, identitiesLength);
  }

  /** Whether the asker has a permission on a node; decodes who asks only if that matters. */
  allows(row: Row, perm: number): boolean {
    const acl = this.acls.get(this.tree.acl(row));
    const { flags } = this.header;
    return permitsAnyone(acl, perm, flags) || permits(acl, perm, this.identities(), flags);
  }

  aclOf(row: Row): Acl {
    return this.acls.get(this.tree.acl(row));
  }

  /** The ACL that the request asks for, validated and expanded; null: InvalidACL. */
  requestedAcl(): Acl | null {
    const { bytes, acls } = this;
    const { aclFrom: from, aclTo: to } = this.request;
    if (acls.open.isEncodedAs(bytes, from, to)) return acls.open;
    const flags = this.header.flags & PROVIDER_FLAGS;
    for (const known of this.aclCache) {
      if (known.flags === flags && isSame(known.raw, bytes, from, to)) return known.acl;
    }
    return this.expandRequestedAcl(flags);
  }

  private expandRequestedAcl(flags: number): Acl | null {
    const { bytes } = this;
    const { aclFrom: from, aclTo: to } = this.request;
    const claims = decodeAcl(bytes, from, to);
    const entries = expandAcl(claims, this.identities(), flags);
    if (entries === null) return null;
    const acl = this.acls.intern(entries);
    // What `auth` stands for depends on who asks, so it must not be remembered by its bytes.
    const lasting = !claims.some((claim) => claim.scheme === 'auth');
    if (lasting && to - from <= ACL_CACHED_BYTES_MAX) {
      this.aclCache[this.aclCacheNext] = { raw: bytes.slice(from, to), flags, acl };
      this.aclCacheNext = (this.aclCacheNext + 1) % ACL_CACHE_ENTRIES;
    }
    return acl;
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false;
  return true;
}
