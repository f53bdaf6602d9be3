import { parseProperties } from '../base/properties.ts';
import { DecodeError, type Reader } from '../base/reader.ts';
import { type QuorumSpec, Quorums, type Voter } from '../paxos/quorum.ts';
import { Err } from '../protocol/constants.ts';
import {
  type EnsembleText,
  isVoter,
  type NamedServer,
  parseEnsemble,
  SERVER_ID_MAX,
} from '../protocol/ensemble-text.ts';
import { isSpecialHost, parseServerLine, type ServerLine } from '../protocol/server-line.ts';
import { CommandFlag } from './command.ts';
import { decodeId, type Member, type Membership, membershipToQuorumSpec } from './membership.ts';

/** A client's request; a list that is null was not sent. */
export interface ReconfigRequest {
  /** Comma list of `server.N=...`. */
  readonly joining: string | null;
  /** Comma list of ids. */
  readonly leaving: string | null;
  /** The whole new configuration; its commas count as ends of lines. */
  readonly newMembers: string | null;
  /** The version that the client means to change; -1: whatever is there. */
  readonly version: number;
}

/** What a sound request comes to; identities are still to be had for those who join. */
export interface ReconfigPlan extends EnsembleText {
  /** Ids whose identity the leader has to supply: of newcomers, or of the one that is replaced. */
  readonly joiners: readonly number[];
  /** A member comes back as another replica. For the super user only. */
  readonly isReplacement: boolean;
  /** Of which the leader has to find one connected and in sync. */
  readonly quorums: QuorumSpec;
}

export function decodeReconfig(body: Reader): ReconfigRequest {
  const joining = body.ustring();
  const leaving = body.ustring();
  const newMembers = body.ustring();
  return { joining, leaving, newMembers, version: body.i64() };
}

/** What the leader puts behind the request: identityCount:i32 (serverId:i32 identity:16)*. */
export function decodeIdentities(body: Reader): Map<number, Uint8Array> {
  const identities = new Map<number, Uint8Array>();
  if (body.remaining === 0) return identities;
  const count = body.i32();
  if (count < 0 || count > SERVER_ID_MAX) throw new DecodeError(`${count} identities`);
  for (let i = 0; i < count; i++) identities.set(body.i32(), decodeId(body));
  return identities;
}

/**
 * Judges a request as ZooKeeper does, check by check in its order (protocol document 5.9), up to
 * those that only the leader can make and the one of the ACL. A number is the error. The leader
 * asks before it proposes and apply asks again: the same code, so the same answer.
 */
export function evaluateReconfig(
  present: Membership | null,
  request: ReconfigRequest,
  flags: number,
): ReconfigPlan | number {
  const replaced = replacedServer(request);
  const isEnabled = (flags & CommandFlag.reconfigEnabled) !== 0;
  if (replaced === null && !isEnabled) return Err.reconfigDisabled;
  if (present === null) return Err.unimplemented;
  if (request.version !== -1 && request.version !== present.version) return Err.badVersion;
  if (replaced !== null) return planReplacement(present, replaced);
  const standaloneEnabled = (flags & CommandFlag.standaloneEnabled) !== 0;
  const next =
    request.newMembers === null
      ? changeServers(present, request)
      : parseNewMembers(request.newMembers, standaloneEnabled);
  if (typeof next === 'number') return next;
  const voters = next.servers.filter(isVoter).map(toVoter);
  if (voters.length < (standaloneEnabled ? 2 : 1)) return Err.badArguments;
  const { electionSize, writeSize } = present;
  const quorums = { voters, electionSize, writeSize, hierarchical: next.hierarchical };
  // Beyond ZooKeeper: sizes that were given for other voters, or groups of no weight.
  if (new Quorums(quorums).check() !== null) return Err.badArguments;
  const joiners = next.servers.filter((server) => isNewcomer(present, server)).map(({ id }) => id);
  return { ...next, joiners, isReplacement: false, quorums };
}

/**
 * Of whom it has to be asked which replica it is: a server that is no member, and an observer that
 * gets a vote. Nobody asks observers. One that had a vote before may have lost its disk since; were
 * it given the vote of the replica that it was, the others would refuse it as another one.
 */
function isNewcomer(present: Membership, server: NamedServer): boolean {
  const known = present.members.find((member) => member.id === server.id);
  if (known === undefined) return true;
  return isVoter(server) && !isVoter(known);
}

/**
 * `joining` is `replace.N`: not among ZooKeeper's requests, which all have an equals sign there. It
 * changes nobody's addresses or vote, so it works with reconfig disabled: without it an ensemble
 * that lost a disk could never be whole again.
 */
function replacedServer({ joining, leaving, newMembers }: ReconfigRequest): number | null {
  if (leaving !== null || newMembers !== null) return null;
  const match = /^replace\.(\d{1,3})$/.exec(joining ?? '');
  return match === null ? null : Number(match[1]);
}

function planReplacement(present: Membership, id: number): ReconfigPlan | number {
  if (!present.members.some((member) => member.id === id)) return Err.badArguments;
  return {
    servers: present.members,
    hierarchical: present.hierarchical,
    joiners: [id],
    isReplacement: true,
    quorums: membershipToQuorumSpec(present),
  };
}

function toVoter({ id, weight, group }: NamedServer): Voter {
  return { id, weight, group };
}

/** Null: somebody joins of whom nobody knows which replica it is. */
export function membershipOf(
  plan: ReconfigPlan,
  present: Membership,
  identities: ReadonlyMap<number, Uint8Array>,
  version: number,
): Membership | null {
  const known = new Map(present.members.map((member) => [member.id, member.identity]));
  const members: Member[] = [];
  for (const server of plan.servers) {
    const before = known.get(server.id);
    const isAsked = plan.joiners.includes(server.id);
    const told = plan.isReplacement ? undefined : toldBefore(before);
    const identity = isAsked ? (identities.get(server.id) ?? told) : before;
    if (identity === undefined) return null;
    members.push({ ...server, identity });
  }
  const { electionSize, writeSize } = present;
  const { hierarchical } = plan;
  const number = present.number + 1;
  return { number, version, members, hierarchical, electionSize, writeSize };
}

/**
 * Logs of before tell no identity of who had a vote, lost it and gets it again: there it stays the
 * replica that it was. An observer of the first hour has none.
 */
function toldBefore(known: Uint8Array | undefined): Uint8Array | undefined {
  return known?.some((byte) => byte !== 0) === true ? known : undefined;
}

/** Removes and adds servers: for majorities only, because nobody says which group is joined. */
function changeServers(present: Membership, request: ReconfigRequest): EnsembleText | number {
  if (present.hierarchical) return Err.badArguments;
  const servers = new Map<number, NamedServer>();
  for (const { identity: _, ...server } of present.members) servers.set(server.id, server);
  for (const text of pieces(request.leaving, ',')) {
    if (!/^[+-]?\d{1,18}$/.test(text)) return Err.marshallingError;
    servers.delete(Number(text));
  }
  for (const text of pieces(request.joining, ',')) {
    const joiner = parseJoiner(text);
    if (typeof joiner === 'number') return joiner;
    for (const other of servers.values()) {
      if (other.id !== joiner.id && sharesAddress(other, joiner)) return Err.badArguments;
    }
    servers.set(joiner.id, joiner);
  }
  const inOrder = [...servers.values()].sort((a, b) => a.id - b.id);
  return { servers: inOrder, hierarchical: false };
}

/** Whoever joins this way names all three ports. */
function parseJoiner(text: string): NamedServer | number {
  const [name = '', value = '', ...more] = pieces(text, '=');
  if (value === '' || more.length > 0) return Err.badArguments;
  const suffix = name.slice(name.lastIndexOf('.') + 1);
  if (!/^[+-]?\d{1,18}$/.test(suffix)) return Err.marshallingError;
  const id = Number(suffix);
  const line = parseServerLine(value);
  if (typeof line === 'string' || line.client === null) return Err.badArguments;
  if (id < 1 || id > SERVER_ID_MAX) return Err.badArguments;
  return { id, ...line, weight: 1, group: 0 };
}

function parseNewMembers(text: string, standaloneEnabled: boolean): EnsembleText | number {
  const { lines, errors } = parseProperties(text.replaceAll(',', '\n'));
  if (errors.length > 0) return Err.marshallingError;
  // Of two lines with one key the last one counts.
  const entries = new Map(lines.map(({ key, value }) => [key, value]));
  for (const key of entries.keys()) {
    if (!/^(server\.|group|weight)/.test(key) && key !== 'version') return Err.badArguments;
  }
  const version = entries.get('version');
  if (version !== undefined && !/^[+-]?[0-9a-fA-F]{1,16}$/.test(version)) {
    return Err.marshallingError;
  }
  const parsed = parseEnsemble([...entries]);
  if ('key' in parsed) return parsed.notANumber ? Err.marshallingError : Err.badArguments;
  const voters = parsed.servers.filter(isVoter).length;
  const observers = parsed.servers.length - voters;
  // ZooKeeper has no code of its own for these, and answers as for what it can't read.
  if (voters === 0 && !standaloneEnabled) return Err.marshallingError;
  if (voters < (standaloneEnabled ? 2 : 1) && observers > 0) return Err.marshallingError;
  return parsed;
}

/** Trimmed, without the empty ones. */
function pieces(text: string | null, separator: string): string[] {
  return (text ?? '')
    .split(separator)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '');
}

/**
 * ZooKeeper compares resolved addresses; a name that resolves differently on every replica can't
 * decide an outcome, so texts are compared here.
 */
function sharesAddress(a: ServerLine, b: ServerLine): boolean {
  const taken = new Set(endpointsOf(a));
  return endpointsOf(b).some((endpoint) => taken.has(endpoint));
}

function endpointsOf({ addresses, client }: ServerLine): string[] {
  const hosts = addresses
    .filter(({ host }) => !isSpecialHost(host))
    .flatMap(({ host, quorumPort, electionPort }) => [
      `${host}:${quorumPort}`,
      `${host}:${electionPort}`,
    ]);
  if (client === null || isSpecialHost(client.host)) return hosts;
  return [...hosts, `${client.host}:${client.port}`];
}
