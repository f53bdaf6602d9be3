import { Quorums } from '../paxos/quorum.ts';
import {
  type EnsembleText,
  isVoter,
  type NamedServer,
  parseEnsemble,
} from '../protocol/ensemble-text.ts';
import type { ClientAddress } from '../protocol/server-line.ts';
import { type Derivation, noteDerived, report } from './derivation.ts';
import { checkServers } from './ensemble-checks.ts';
import type { Source } from './problem.ts';
import type { EnsembleConfig, EnsembleManners } from './server-config.ts';

/** The server line that describes this very server. */
export interface OwnServer {
  readonly name: string;
  readonly source: Source;
  readonly client: ClientAddress | null;
}

interface EnsembleDerived {
  readonly ensemble: EnsembleConfig | null;
  readonly own: OwnServer | null;
}

const NONE: EnsembleDerived = { ensemble: null, own: null };
const ELECTION_SIZE = 'quoll.electionQuorumSize';
const WRITE_SIZE = 'quoll.writeQuorumSize';
const ELECTION_TIMEOUT = 'quoll.electionTimeoutMs';
const HEARTBEAT = 'quoll.heartbeatIntervalMs';
/** A leader must be allowed to lose a heartbeat or two. */
const HEARTBEATS_PER_TIMEOUT_MIN = 3;

/** ZooKeeper's rule: fewer than two voters are a server alone, unless standaloneEnabled=false. */
export function deriveEnsemble(d: Derivation, manners: EnsembleManners): EnsembleDerived {
  const text = readServers(d);
  if (text === null) return NONE;
  const voters = text.servers.filter(isVoter).length;
  const { standaloneEnabled } = manners;
  if (standaloneEnabled ? voters < 2 : voters < 1) return alone(d, text, standaloneEnabled);
  checkServers(d, text);
  const own = ownServer(d, text);
  checkQuorums(d, text);
  if (own === null) return NONE;
  const { servers, hierarchical } = text;
  return {
    own: ownLine(d, own),
    ensemble: {
      serverId: own.id,
      servers,
      hierarchical,
      electionQuorumSize: d.settings.number(ELECTION_SIZE),
      writeQuorumSize: d.settings.number(WRITE_SIZE),
      ...manners,
    },
  };
}

export function deriveManners(d: Derivation): EnsembleManners {
  return {
    quorumListenOnAllIPs: d.settings.boolean('quorumListenOnAllIPs'),
    readOnlyMode: d.settings.boolean('readonlymode.enabled'),
    leaderServes: d.settings.text('leaderServes') !== 'no',
    standaloneEnabled: d.settings.boolean('standaloneEnabled'),
    ...timing(d),
    linearizableReads: d.settings.boolean('quoll.linearizableReads'),
    initLimitTicks: ticks(d, 'initLimit'),
    syncLimitTicks: ticks(d, 'syncLimit'),
  };
}

function ticks(d: Derivation, key: string): number {
  return d.settings.get(key) === undefined ? 0 : d.settings.number(key);
}

/** Null when they can't be read. */
function readServers(d: Derivation): EnsembleText | null {
  const entries: [string, string][] = [];
  for (const { name, text } of d.settings.all()) {
    if (/^(server|group|weight)\./.test(name)) entries.push([name, text]);
  }
  const parsed = parseEnsemble(entries);
  if (!('key' in parsed)) return parsed;
  report(d, 'error', parsed.key, parsed.message);
  return null;
}

function ownLine(d: Derivation, { id, client }: NamedServer): OwnServer {
  const name = [...d.settings.all()].find((one) => idOf(one.name) === id)?.name ?? `server.${id}`;
  return { name, source: d.settings.sourceOf(name), client };
}

function idOf(name: string): number | null {
  return name.startsWith('server.') ? Number(name.slice('server.'.length)) : null;
}

function alone(d: Derivation, text: EnsembleText, standaloneEnabled: boolean): EnsembleDerived {
  const { servers } = text;
  if (!standaloneEnabled) {
    const message = 'false makes an ensemble, which needs a voter: add server.1=host:port:port';
    report(d, 'error', 'standaloneEnabled', message);
    return NONE;
  }
  const observer = servers.find((server) => !isVoter(server));
  if (observer !== undefined) {
    const message = 'an observer needs two voters, or one with standaloneEnabled=false';
    report(d, 'error', ownLine(d, observer).name, message);
  }
  if (d.settings.text('peerType') === 'observer') {
    report(d, 'error', 'peerType', 'a server alone is a voter: remove the key, or add the others');
  }
  const [only] = servers;
  return { ensemble: null, own: only === undefined ? null : ownLine(d, only) };
}

/** The server that myid names. */
function ownServer(d: Derivation, { servers }: EnsembleText): NamedServer | null {
  const dataDir = d.settings.text('dataDir');
  if (dataDir === undefined) return null;
  const path = `${dataDir.replace(/\/$/, '')}/myid`;
  const ids = servers.map((server) => server.id).join(', ');
  let text: string;
  try {
    text = d.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const cure = `write into it which of the servers ${ids} this one is, such as ${servers[0]?.id}`;
    report(d, 'error', 'dataDir', `cannot read ${path}: ${reason}; ${cure}`);
    return null;
  }
  const line = (text.split('\n')[0] ?? '').trim();
  const own = servers.find((server) => /^\d{1,15}$/.test(line) && server.id === Number(line));
  if (own === undefined) {
    const source: Source = { kind: 'file', path, line: 1 };
    const message = `${JSON.stringify(line)} is none of the servers ${ids}: write one of them`;
    d.problems.push({ severity: 'error', source, key: null, message });
    return null;
  }
  checkPeerType(d, own);
  return own;
}

/** The server line wins, as in ZooKeeper. */
function checkPeerType(d: Derivation, { id, role }: NamedServer): void {
  if (d.settings.get('peerType') === undefined || d.settings.text('peerType') === role) return;
  const message = `server.${id} says ${role}, and that counts: correct one of them`;
  report(d, 'warning', 'peerType', message);
  noteDerived(d, 'peerType', role);
}

function checkQuorums(d: Derivation, { servers, hierarchical }: EnsembleText): void {
  const electionSize = d.settings.number(ELECTION_SIZE);
  const writeSize = d.settings.number(WRITE_SIZE);
  const voters = servers.filter(isVoter);
  const fault = new Quorums({ voters, electionSize, writeSize, hierarchical }).check();
  if (fault === null) return;
  const sized = [WRITE_SIZE, ELECTION_SIZE].find((key) => d.settings.get(key) !== undefined);
  const key =
    sized ?? [...d.settings.all()].find(({ name }) => /^(group|weight)\./.test(name))?.name;
  const cure =
    `${ELECTION_SIZE} and ${WRITE_SIZE} must be more than the ${voters.length} voters together ` +
    '(0: a majority)';
  report(d, 'error', key ?? WRITE_SIZE, hierarchical ? fault : `${fault}: ${cure}`);
}

function timing(d: Derivation): { electionTimeoutMs: number; heartbeatIntervalMs: number } {
  const electionTimeoutMs = d.settings.number(ELECTION_TIMEOUT);
  const heartbeatIntervalMs = d.settings.number(HEARTBEAT);
  if (heartbeatIntervalMs * HEARTBEATS_PER_TIMEOUT_MIN > electionTimeoutMs) {
    const key = d.settings.get(HEARTBEAT) === undefined ? ELECTION_TIMEOUT : HEARTBEAT;
    const message =
      `${electionTimeoutMs} ms of silence are fewer than ${HEARTBEATS_PER_TIMEOUT_MIN} heartbeats ` +
      `of ${heartbeatIntervalMs} ms: leaders would be deposed for one lost packet`;
    report(d, 'error', key, message);
  }
  return { electionTimeoutMs, heartbeatIntervalMs };
}
