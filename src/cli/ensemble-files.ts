import { InvocationError } from './exit-code.ts';

/** An ensemble on this machine: where each of its servers lives and listens. */
export interface LocalEnsemble {
  readonly servers: readonly LocalServer[];
  /** What a client is given: every server's client address. */
  readonly connectString: string;
}

export interface LocalServer {
  readonly id: number;
  readonly configFile: string;
  readonly clientAddress: string;
}

/** The file system, as far as laying out an ensemble needs it. */
export interface EnsembleFiles {
  /** Null: there is none. */
  read(path: string): string | null;
  /** Makes the directories above it, too. */
  write(path: string, text: string): void;
}

export interface EnsembleArguments {
  readonly size: number;
  readonly dir: string;
  readonly clientPortBase: number;
}

const SIZE_MAX = 9;
const HOST = '127.0.0.1';
/** The ports between servers begin this far above those for clients, two a server. */
const QUORUM_PORTS_ABOVE = 1_000;
const CLIENT_PORT_MAX = 65_535 - QUORUM_PORTS_ABOVE - 2 * SIZE_MAX;

const HEAD = `# Written by quoll ensemble. The server lines have to stay as they are; the rest is yours.
tickTime=2000
4lw.commands.whitelist=*
`;

/** Writes zoo.cfg and myid of each server, or finds them there from the last time. */
export function layOut(wanted: EnsembleArguments, files: EnsembleFiles): LocalEnsemble {
  checkArguments(wanted);
  const dir = wanted.dir.replace(/(.)\/$/, '$1');
  const ids = Array.from({ length: wanted.size }, (_, i) => i + 1);
  const lines = ids.map((id) => serverLine(id, wanted.clientPortBase)).join('\n');
  refuseRemains(dir, wanted, lines, files);
  const servers = ids.map((id) => {
    const home = `${dir}/server-${id}`;
    const configFile = `${home}/zoo.cfg`;
    const dataDir = `${home}/data`;
    if (files.read(configFile) === null) {
      files.write(configFile, `${HEAD}dataDir=${dataDir}\n${lines}\n`);
    }
    if (files.read(`${dataDir}/myid`) === null) files.write(`${dataDir}/myid`, `${id}\n`);
    return { id, configFile, clientAddress: clientAddress(id, wanted.clientPortBase) };
  });
  return { servers, connectString: servers.map((server) => server.clientAddress).join(',') };
}

function checkArguments({ size, clientPortBase }: EnsembleArguments): void {
  if (!Number.isSafeInteger(size) || size < 1 || size > SIZE_MAX) {
    throw new InvocationError(`--size must be a whole number from 1 to ${SIZE_MAX}`);
  }
  const isPort = Number.isSafeInteger(clientPortBase) && clientPortBase >= 1;
  if (!isPort || clientPortBase > CLIENT_PORT_MAX) {
    throw new InvocationError(`--client-port-base must be a port from 1 to ${CLIENT_PORT_MAX}`);
  }
}

/** The log of an ensemble knows its members: other arguments can't make another one of it. */
function refuseRemains(
  dir: string,
  { size }: EnsembleArguments,
  lines: string,
  files: EnsembleFiles,
): void {
  const cure = `pass the --size and --client-port-base it was made with, or another --dir`;
  for (let id = 1; id <= SIZE_MAX; id++) {
    const text = files.read(`${dir}/server-${id}/zoo.cfg`);
    if (text === null) continue;
    const found = text.split('\n').filter((line) => line.startsWith('server.'));
    if (id > size || found.join('\n') !== lines) {
      throw new InvocationError(`${dir} holds another ensemble: ${cure}`);
    }
  }
}

function serverLine(id: number, base: number): string {
  const quorumPort = base + QUORUM_PORTS_ABOVE + 2 * (id - 1);
  const ports = `${quorumPort}:${quorumPort + 1}`;
  return `server.${id}=${HOST}:${ports}:participant;${clientAddress(id, base)}`;
}

function clientAddress(id: number, base: number): string {
  return `${HOST}:${base + id - 1}`;
}
