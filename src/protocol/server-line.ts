/**
 * The value of a `server.N` line, as zoo.cfg, the dynamic file, reconfig and /zookeeper/config
 * spell it: `host:quorumPort:electionPort[:role][|...][;[clientHost:]clientPort]`.
 */
export interface ServerLine {
  readonly addresses: readonly ServerAddress[];
  readonly role: Role;
  readonly client: ClientAddress | null;
}

export type Role = 'participant' | 'observer';

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
const ALL_ADDRESSES = '0.0.0.0';

/** A text is what is wrong with the line. */
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
    addresses.push(parsed.address);
    // An address without a role has that of the others: the text that ZooKeeper itself writes
    // names the role once, behind the last address.
    if (parsed.role === null) continue;
    if (role !== null && role !== parsed.role) return 'all addresses must have the same role';
    role = parsed.role;
  }
  return { addresses, role: role ?? 'participant', client };
}

/** As ZooKeeper writes it: addresses by host, the role always, a client host always. */
export function printServerLine({ addresses, role, client }: ServerLine): string {
  const sorted = [...addresses].sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  const list = sorted.map(
    ({ host, quorumPort, electionPort }) => `${bracketed(host)}:${quorumPort}:${electionPort}`,
  );
  const tail = client === null ? '' : `;${bracketed(client.host ?? ALL_ADDRESSES)}:${client.port}`;
  return `${list.join('|')}:${role}${tail}`;
}

function parseServerAddress(text: string): { address: ServerAddress; role: Role | null } | string {
  const parts = splitHost(text);
  if (parts === null || parts.length < 3 || parts.length > 4) return FORM;
  const [host = '', quorum = '', election = '', roleText = null] = parts;
  const quorumPort = parsePort(quorum);
  const electionPort = parsePort(election);
  if (host === '' || quorumPort === null || electionPort === null) return FORM;
  if (quorumPort === electionPort) return 'the two ports of a server must differ';
  const role = roleText?.toLowerCase() ?? null;
  if (role !== null && role !== 'participant' && role !== 'observer') return FORM;
  return { address: { host, quorumPort, electionPort }, role };
}

function parseClientAddress(text: string): ClientAddress | string {
  const parts = splitHost(text);
  if (parts === null || parts.length > 2) return FORM;
  const port = parsePort(parts.at(-1) ?? '');
  if (port === null) return FORM;
  const host = parts.length === 2 ? parts[0] : undefined;
  return { host: host === ALL_ADDRESSES ? undefined : host, port };
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

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function parsePort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}

/**
 * Whether an address says nothing about which machine it is on. ZooKeeper leaves these out when it
 * looks for two servers with one address.
 */
export function isSpecialHost(host: string | undefined): boolean {
  if (host === undefined) return true;
  const plain = host.toLowerCase();
  if (plain === 'localhost' || /^127(\.\d{1,3}){3}$/.test(plain)) return true;
  return plain === '0.0.0.0' || /^(0{0,4}:)+(:?0{0,3}[01]?)$/.test(plain);
}
