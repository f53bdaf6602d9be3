import type { Problem } from './problem.ts';
import type { Setting, Settings } from './settings.ts';

export type Role = 'participant' | 'observer';

export interface ServerLine {
  readonly addresses: readonly ServerAddress[];
  readonly role: Role;
  readonly client: ClientAddress | null;
}

export interface ServerAddress {
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
}

export interface ClientAddress {
  /** Undefined: all addresses. */
  readonly host: string | undefined;
  readonly port: number;
}

const FORM = 'must be host:port:port[:participant|:observer][;[clientHost:]clientPort]';

/** Reads the value of a `server.N` line; a text is what is wrong with it. */
export function parseServerLine(text: string): ServerLine | string {
  const halves = text.split(';');
  if (halves.length > 2) return `more than one ";": ${FORM}`;
  const client = halves[1] === undefined ? null : parseClientAddress(halves[1].trim());
  if (typeof client === 'string') return client;
  const addresses: ServerAddress[] = [];
  let role: Role | null = null;
  for (const part of (halves[0] ?? '').split('|')) {
    const parsed = parseServerAddress(part.trim());
    if (typeof parsed === 'string') return parsed;
    if (role !== null && role !== parsed.role) return 'all addresses must have the same role';
    role = parsed.role;
    addresses.push(parsed.address);
  }
  return { addresses, role: role ?? 'participant', client };
}

function parseServerAddress(text: string): { address: ServerAddress; role: Role } | string {
  const parts = splitHost(text);
  if (parts === null || parts.length < 3 || parts.length > 4) return FORM;
  const [host = '', quorum = '', election = '', roleText = 'participant'] = parts;
  const quorumPort = parsePort(quorum);
  const electionPort = parsePort(election);
  if (host === '' || quorumPort === null || electionPort === null) return FORM;
  if (quorumPort === electionPort) return 'the two ports of a server must differ';
  const role = roleText.toLowerCase();
  if (role !== 'participant' && role !== 'observer') return FORM;
  return { address: { host, quorumPort, electionPort }, role };
}

function parseClientAddress(text: string): ClientAddress | string {
  const parts = splitHost(text);
  if (parts === null || parts.length > 2) return FORM;
  const port = parsePort(parts.at(-1) ?? '');
  if (port === null) return FORM;
  const host = parts.length === 2 ? parts[0] : undefined;
  return { host, port };
}

/** Splits at colons; an IPv6 host stands in brackets, which go. */
function splitHost(text: string): string[] | null {
  if (!text.startsWith('[')) return text.split(':');
  const end = text.indexOf(']');
  if (end === -1) return null;
  const rest = text.slice(end + 1);
  if (rest !== '' && !rest.startsWith(':')) return null;
  return [text.slice(1, end), ...(rest === '' ? [] : rest.slice(1).split(':'))];
}

function parsePort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}

export interface SingleServer {
  readonly setting: Setting;
  readonly line: ServerLine;
}

/**
 * The one server that the lines describe, or null when there is none or more than a single server
 * can be. A server that started alone although others were named would take writes that the others
 * never see, so anything else is an error.
 */
export function singleServer(settings: Settings, problems: Problem[]): SingleServer | null {
  const servers: SingleServer[] = [];
  for (const setting of settings.all()) {
    if (setting.key.name !== 'server.<id>') continue;
    const fault = addServer(setting, servers);
    if (fault === null) continue;
    const { source, name } = setting;
    problems.push({ severity: 'error', source, key: name, message: fault });
  }
  const only = servers[0];
  if (only === undefined) return null;
  if (servers.length === 1 && only.line.role === 'participant') return only;
  problems.push({
    severity: 'error',
    source: only.setting.source,
    key: servers.map((server) => server.setting.name).join(', '),
    message:
      'Quoll runs as a single server for now; ensembles come in the next release. Keep one ' +
      'server line (a voter) or none to run alone, and keep ZooKeeper for the others until then',
  });
  return null;
}

function addServer(setting: Setting, servers: SingleServer[]): string | null {
  if (!/^server\.\d{1,19}$/.test(setting.name)) return 'must be server.<number>';
  const line = parseServerLine(setting.text);
  if (typeof line === 'string') return line;
  servers.push({ setting, line });
  return null;
}
