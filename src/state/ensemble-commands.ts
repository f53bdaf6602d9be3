import { DecodeError, Reader } from '../base/reader.ts';
import { utf8Encode } from '../base/utf8.ts';
import { Writer } from '../base/writer.ts';
import { Err, Perm } from '../protocol/constants.ts';
import { permits } from './acl-rules.ts';
import { CommandFlag, CommandHeader } from './command.ts';
import type { Context } from './context.ts';
import type { Identities } from './identities.ts';
import { IdentitiesCache } from './identities-cache.ts';
import { decodeId, decodeMembership, type Membership, membershipText } from './membership.ts';
import { ChangeKind, Verdict } from './outcome.ts';
import {
  decodeIdentities,
  decodeReconfig,
  evaluateReconfig,
  membershipOf,
  type ReconfigPlan,
  type ReconfigRequest,
} from './reconfig.ts';
import type { Row } from './tree/layout.ts';

/** Flags in the body of openEpoch. */
export const OpenEpoch = { opensEpoch: 1 } as const;

/** In quarters of the session's time-out. */
const AGE_MAX = 3;
const AGE_BYTES = 13;
const CONFIG_PATH = utf8Encode('/zookeeper/config');
/** ZooKeeper writes it with this version each time, and never counts. */
const CONFIG_NODE_VERSION = -1;

/** The ensemble's first command. Only the first one counts. */
export function genesis(c: Context, body: Reader): void {
  const { outcome, ensemble } = c;
  if (ensemble.membership !== null) {
    outcome.verdict = Verdict.repeat;
    return;
  }
  outcome.verdict = Verdict.applied;
  const clusterId = decodeId(body);
  const membership = decodeMembership(body);
  ensemble.found(clusterId, membership);
  showMembership(c, membership);
}

/**
 * A leader's first entry. Where the configuration has no version yet it gets the zxid that the
 * epoch begins with, as ZooKeeper's first leader gives it: whoever brings a configuration file of
 * his own can be told from a member by it.
 */
export function openEpoch(c: Context, body: Reader): void {
  const { ensemble, outcome } = c;
  outcome.verdict = Verdict.applied;
  const flags = body.i32();
  ensemble.raiseLevel(body.i32());
  if ((flags & OpenEpoch.opensEpoch) === 0) return;
  c.openEpoch();
  const { membership } = ensemble;
  if (membership === null || membership.version !== 0) return;
  changeMembership(c, { ...membership, version: c.zxid });
}

/** Ages of sessions, told by the leader so that its successor does not start them all anew. */
export function sessionAges(c: Context, body: Reader): void {
  c.outcome.verdict = Verdict.applied;
  const count = body.i32();
  if (body.remaining !== count * AGE_BYTES) throw new DecodeError(`no ${count} ages`);
  for (let i = 0; i < count; i++) {
    const session = c.sessions.get(body.i32(), body.i32());
    const generation = body.i32();
    const age = Math.min(body.u8(), AGE_MAX);
    // Whoever has attached since has been heard of since.
    if (session?.generation === generation) c.sessions.setAge(session, age);
  }
}

/** A client's reconfig; the identities of those who join come from the leader. */
export function reconfig(c: Context, body: Reader): number {
  const { tree, ensemble, outcome } = c;
  const request = decodeReconfig(body);
  const present = ensemble.membership;
  const plan = evaluateReconfig(present, request, c.header.flags);
  if (typeof plan === 'number' || present === null) return plan as number;
  // The leader gathers no identities for who may not ask, so that comes before their lack.
  if (!mayReconfigure(c, plan, c.identities(), c.header.flags)) return Err.noAuth;
  const membership = membershipOf(plan, present, decodeIdentities(body), c.zxid);
  if (membership === null) return Err.newConfigNoQuorum;
  const row = configRow(c);
  changeMembership(c, membership);
  outcome.body.buffer(utf8Encode(membershipText(membership)));
  tree.writeStat(row, outcome.body);
  return Err.ok;
}

/** All checks of `reconfig` but that of the identities, which the leader has yet to gather. */
export function planReconfig(c: Context, command: Reader): ReconfigPlan | number {
  const header = new CommandHeader();
  header.decode(command);
  const request = readReconfig(command);
  if (request === null) return Err.marshallingError;
  const plan = evaluateReconfig(c.ensemble.membership, request, header.flags);
  if (typeof plan === 'number') return plan;
  const { identitiesAt, identitiesLength, flags } = header;
  const identities = new IdentitiesCache().get(command.bytes, identitiesAt, identitiesLength);
  return mayReconfigure(c, plan, identities, flags) ? plan : Err.noAuth;
}

function readReconfig(body: Reader): ReconfigRequest | null {
  try {
    return decodeReconfig(body);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return null;
  }
}

/**
 * Whoever may write the configuration node. To replace a member takes the super user, or somebody
 * on the machine of a member: an ensemble without a super user must be able to become whole again.
 */
function mayReconfigure(
  c: Context,
  plan: ReconfigPlan,
  identities: Identities,
  flags: number,
): boolean {
  if (!plan.isReplacement) return permits(c.aclOf(configRow(c)), Perm.write, identities, flags);
  return identities.isSuper || identities.isLocal || (flags & CommandFlag.skipACL) !== 0;
}

/**
 * The body of a reconfig with the identities of those who join. What a client has put behind its
 * own request is cut off: it must not say which replica a server is.
 */
export function withIdentities(
  body: Uint8Array,
  identities: ReadonlyMap<number, Uint8Array>,
): Uint8Array {
  const reader = new Reader(body);
  decodeReconfig(reader);
  const writer = new Writer(reader.at + 4 + identities.size * 20);
  writer.raw(body, 0, reader.at);
  writer.i32(identities.size);
  for (const [id, identity] of identities) {
    writer.i32(id);
    writer.raw(identity);
  }
  return writer.written();
}

function configRow(c: Context): Row {
  return c.tree.find(CONFIG_PATH, 0, CONFIG_PATH.length);
}

function changeMembership(c: Context, membership: Membership): void {
  c.ensemble.become(membership);
  showMembership(c, membership);
}

/** Writes /zookeeper/config, and tells its watchers. */
function showMembership(c: Context, membership: Membership): void {
  const { tree, outcome, quota } = c;
  const text = utf8Encode(membershipText(membership));
  const row = configRow(c);
  const growth = text.length - Math.max(tree.dataLength(row), 0);
  tree.setData(row, text, 0, text.length);
  tree.setVersion(row, CONFIG_NODE_VERSION);
  tree.setMzxid(row, membership.version);
  tree.setMtime(row, c.timeMs);
  const parentAcl = c.aclOf(tree.parent(row));
  const { length } = CONFIG_PATH;
  outcome.changes.add(ChangeKind.dataChanged, CONFIG_PATH, 0, length, c.aclOf(row), parentAcl);
  quota.add(CONFIG_PATH, 0, length, 0, growth);
}

/** Runs what reads a leader's body; one that does not decode has no effect but this code. */
export function leaderCommand(
  c: Context,
  body: Reader,
  run: (c: Context, body: Reader) => void,
): void {
  try {
    run(c, body);
  } catch (error) {
    // One bad entry must not take down every voter in turn (rule 59).
    if (!(error instanceof DecodeError)) throw error;
    c.outcome.verdict = Verdict.refused;
    c.outcome.error = Err.marshallingError;
  }
}
