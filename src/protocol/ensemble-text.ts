import { parseServerLine, printServerLine, type ServerLine } from './server-line.ts';

/** The servers that a configuration names, and who of them votes with what weight. */
export interface EnsembleText {
  /** By id. */
  readonly servers: readonly NamedServer[];
  /** There are groups or weights: they decide instead of a majority of the voters. */
  readonly hierarchical: boolean;
}

export interface NamedServer extends ServerLine {
  readonly id: number;
  /** 1 unless a `weight.N` says otherwise. */
  readonly weight: number;
  /** 0: in none. */
  readonly group: number;
}

export function isVoter(server: NamedServer): boolean {
  return server.role === 'participant';
}

/** What is wrong with which key. */
export interface EnsembleFault {
  readonly key: string;
  readonly message: string;
  /** Not even a number where one has to be: ZooKeeper answers a reconfig with another code. */
  readonly notANumber: boolean;
}

/**
 * The top byte of a session id is its server's; 0xFF there, as an owner, would mean a TTL node, and
 * 0 an id that ZooKeeper's documentation excludes.
 */
export const SERVER_ID_MAX = 254;

/** Reads `server.N`, `group.G` and `weight.N`; other keys are the caller's to judge. */
export function parseEnsemble(
  entries: readonly (readonly [key: string, value: string])[],
): EnsembleText | EnsembleFault {
  const parts: Parts = { lines: new Map(), groups: new Map(), weights: new Map() };
  for (const [key, value] of entries) {
    const fault = parseEntry(key, value, parts);
    if (fault !== null) return fault;
  }
  const hierarchical = entries.some(([key]) => /^(group|weight)/.test(key));
  const servers: NamedServer[] = [];
  for (const [id, line] of [...parts.lines].sort(([a], [b]) => a - b)) {
    const group = parts.groups.get(id) ?? 0;
    if (hierarchical && group === 0 && line.role === 'participant') {
      return faultOf(`server.${id}`, 'is in no group: with group or weight lines each voter is');
    }
    servers.push({ id, ...line, weight: parts.weights.get(id) ?? 1, group });
  }
  return { servers, hierarchical };
}

interface Parts {
  readonly lines: Map<number, ServerLine>;
  /** The group of each server. */
  readonly groups: Map<number, number>;
  readonly weights: Map<number, number>;
}

function parseEntry(key: string, value: string, parts: Parts): EnsembleFault | null {
  const match = /^(server|group|weight)\.(.*)$/.exec(key);
  if (match === null) {
    return /^(group|weight)/.test(key) ? notANumber(key, 'must have a number behind a dot') : null;
  }
  const [, kind, suffix = ''] = match;
  if (!/^\d{1,15}$/.test(suffix)) return notANumber(key, `must be ${kind}.<number>`);
  const id = Number(suffix);
  if (kind === 'group') return parseGroup(key, id, value, parts);
  if (kind === 'weight') {
    if (!/^\d{1,9}$/.test(value)) return notANumber(key, 'must be a whole number');
    parts.weights.set(id, Number(value));
    return null;
  }
  if (id < 1 || id > SERVER_ID_MAX) return faultOf(key, `ids go from 1 to ${SERVER_ID_MAX}`);
  if (parts.lines.has(id)) return faultOf(key, `there is another line for server ${id}`);
  const line = parseServerLine(value);
  if (typeof line === 'string') return faultOf(key, line);
  parts.lines.set(id, line);
  return null;
}

function parseGroup(key: string, group: number, value: string, parts: Parts): EnsembleFault | null {
  if (group < 1) return faultOf(key, 'groups count from 1');
  for (const text of value.split(':')) {
    if (!/^\d{1,15}$/.test(text.trim())) return notANumber(key, 'must be ids with ":" between');
    const id = Number(text);
    if (parts.groups.has(id)) return faultOf(key, `server ${id} is in two groups`);
    parts.groups.set(id, group);
  }
  return null;
}

function faultOf(key: string, message: string): EnsembleFault {
  return { key, message, notANumber: false };
}

function notANumber(key: string, message: string): EnsembleFault {
  return { key, message, notANumber: true };
}

/** The data of /zookeeper/config, to the byte what ZooKeeper writes (operations document 5). */
export function printEnsemble(ensemble: EnsembleText, version: number): string {
  const lines: string[] = [];
  const servers = new Map(ensemble.servers.map((server) => [server.id, server]));
  const ids = javaOrder([...servers.keys()]);
  const inOrder = ids.map((id) => servers.get(id) as NamedServer);
  for (const server of inOrder) lines.push(`server.${server.id}=${printServerLine(server)}`);
  if (ensemble.hierarchical) {
    const voters = inOrder.filter(isVoter);
    for (const group of javaOrder([...new Set(voters.map((voter) => voter.group))])) {
      const members = voters.filter((voter) => voter.group === group);
      lines.push(`group.${group}=${members.map((member) => member.id).join(':')}`);
    }
    for (const { id, weight } of voters) lines.push(`weight.${id}=${weight}`);
  }
  lines.push(`version=${version.toString(16)}`);
  return lines.join('\n');
}

/**
 * The order in which a Java HashMap of these Long keys, all below 65,536, is walked: by the low
 * bits of the key, as many as the table has, which doubles when it is three quarters full. Ids
 * below 16 come out sorted; 17 comes before 2.
 */
function javaOrder(keys: readonly number[]): number[] {
  let capacity = 16;
  while (keys.length > capacity * 0.75) capacity *= 2;
  return [...keys].sort((a, b) => (a % capacity) - (b % capacity) || a - b);
}
