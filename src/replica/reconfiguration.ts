import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { beginStopSign, type Configuration } from '../paxos/configuration.ts';
import { EntryKind } from '../paxos/entry.ts';
import type { Paxos } from '../paxos/paxos.ts';
import { Quorums } from '../paxos/quorum.ts';
import { Err } from '../protocol/constants.ts';
import { COMMAND_HEADER_BYTES, CommandHeader, CommandKind } from '../state/command.ts';
import { withIdentities } from '../state/ensemble-commands.ts';
import { Identities } from '../state/identities.ts';
import type { ReconfigPlan } from '../state/reconfig.ts';
import type { State } from '../state/state.ts';

/** What of the consensus this needs. */
export type Reconfigured = Pick<Paxos, 'configuration' | 'progress'>;

/** What becomes of a client's reconfig: an entry of its own. */
export interface Proposal {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** The identity of a replica that is no member yet, if one with this id follows the leader. */
export type IdentityOf = (serverId: number) => Uint8Array | undefined;

const LENGTH_BYTES = 4;

/**
 * Turns a reconfig command, length included, into what the leader proposes: a stop-sign with the
 * next configuration if apply will accept it, a batch of one command if apply will refuse it. The
 * leader can tell because everything before has been applied and nothing comes in between.
 */
export function proposalFor(
  command: Uint8Array,
  state: State,
  paxos: Reconfigured,
  serverId: number,
  identityOf: IdentityOf,
): Proposal {
  const reader = new Reader(command);
  reader.skip(LENGTH_BYTES);
  if (!willRun(command, state)) return { kind: EntryKind.batch, body: command };
  const plan = state.planReconfig(reader);
  if (typeof plan === 'number') return { kind: EntryKind.batch, body: command };
  const identities = new Map<number, Uint8Array>();
  for (const id of plan.joiners) {
    const identity = identityOf(id);
    if (identity !== undefined) identities.set(id, identity);
  }
  const isCovered = identities.size === plan.joiners.length && hasQuorum(plan, paxos, serverId);
  if (!isCovered) return { kind: EntryKind.batch, body: rejection(command) };
  const writer = new Writer(1_024);
  beginStopSign(writer, nextConfiguration(paxos.configuration, plan));
  appendWithIdentities(writer, command, identities);
  return { kind: EntryKind.configuration, body: writer.written() };
}

/**
 * False for what apply will ignore: a reconfig that was sent again after it had been decided, or
 * one of a session that has moved on. Were its stop-sign proposed all the same, the voters would be
 * others than those that the state names: with server 3 removed and added again, a late repeat of
 * the removal would take its vote and leave it a member.
 */
function willRun(command: Uint8Array, state: State): boolean {
  const header = new CommandHeader();
  const reader = new Reader(command);
  reader.skip(LENGTH_BYTES);
  header.decode(reader);
  const session = state.sessions.get(header.sessionHigh, header.sessionLow);
  return (
    header.kind === CommandKind.write &&
    session?.generation === header.generation &&
    session.sequence + 1 === header.sequence
  );
}

function nextConfiguration(present: Configuration, plan: ReconfigPlan): Configuration {
  const observers = plan.servers.filter(({ role }) => role === 'observer').map(({ id }) => id);
  return { id: present.id + 1, quorums: plan.quorums, observers };
}

/** New voters have to be here and to have followed, or the next slot could never be decided. */
function hasQuorum(plan: ReconfigPlan, paxos: Reconfigured, serverId: number): boolean {
  const synced = new Set([serverId]);
  for (const { id, isSynced, match } of paxos.progress) if (isSynced && match > 0) synced.add(id);
  return new Quorums(plan.quorums).isWriteQuorum(synced);
}

function appendWithIdentities(
  writer: Writer,
  command: Uint8Array,
  identities: ReadonlyMap<number, Uint8Array>,
): void {
  const bodyAt = bodyOffset(command);
  const body = withIdentities(command.subarray(bodyAt), identities);
  writer.i32(bodyAt - LENGTH_BYTES + body.length);
  writer.raw(command, LENGTH_BYTES, bodyAt);
  writer.raw(body);
}

function bodyOffset(command: Uint8Array): number {
  const header = new CommandHeader();
  const reader = new Reader(command);
  reader.skip(LENGTH_BYTES);
  header.decode(reader);
  return header.bodyAt;
}

/** The same write of the same session, refused: it keeps its place among its session's writes. */
function rejection(command: Uint8Array): Uint8Array {
  const reader = new Reader(command);
  reader.skip(LENGTH_BYTES);
  const header = new CommandHeader();
  header.decode(reader);
  header.kind = CommandKind.reject;
  const writer = new Writer(COMMAND_HEADER_BYTES + 16);
  writer.i32(0);
  header.encode(writer, Identities.none.encoded);
  writer.i32(Err.newConfigNoQuorum);
  writer.patchI32(0, writer.at - LENGTH_BYTES);
  return writer.written();
}
