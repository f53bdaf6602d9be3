import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import { type LocalAccess, localAccessPath, parseLocalAccess } from '../entry/local-access.ts';
import { decodeRecord, encodeRecord } from '../protocol/codec.ts';
import { Err, Op } from '../protocol/constants.ts';
import { AdminLink, type Answer, type FrameLink, LinkError } from './admin-link.ts';
import { ExitCode, InvocationError } from './exit-code.ts';
import { printFailure, type Terminal } from './terminal.ts';

export interface ReplaceArguments {
  /** The member, as it was typed. */
  readonly member: string;
  /** host:port of any server of the ensemble; undefined: the one of `dataDir`. */
  readonly server: string | undefined;
  /** scheme:credentials; undefined: nobody in particular. */
  readonly auth: string | undefined;
  /** Of a server that runs on this machine: to be able to read it is leave enough. */
  readonly dataDir: string | undefined;
}

export type Connect = (host: string, port: number) => Promise<FrameLink>;

export interface ReplaceHost {
  readonly connect: Connect;
  readFile(path: string): string;
}

/** Asks the ensemble to take a server with a blank disk for its member N. Gives the exit code. */
export async function replaceMember(
  args: ReplaceArguments,
  host: ReplaceHost,
  terminal: Terminal,
): Promise<number> {
  const { member } = args;
  if (!/^[1-9]\d{0,2}$/.test(member)) {
    throw new InvocationError(`"${member}" is no server id: it is the N of a line server.N=...`);
  }
  const { server, credentials } = wayIn(args, host);
  const address = parseAddress(server);
  try {
    const link = new AdminLink(await host.connect(address.host, address.port));
    return await ask(link, member, credentials, terminal).finally(() => link.close());
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    printFailure(terminal, `${server}: ${error.message}`);
    return ExitCode.unexpected;
  }
}

/** Whom to ask, and as whom. */
function wayIn(
  { server, auth, dataDir }: ReplaceArguments,
  host: ReplaceHost,
): { server: string; credentials: Credentials | null } {
  const credentials = auth === undefined ? null : parseAuth(auth);
  if (dataDir !== undefined) {
    const local = readLocalAccess(dataDir, host);
    const own = { scheme: 'local', secret: local.token, from: `the token of ${dataDir}` };
    return { server: server ?? local.server, credentials: credentials ?? own };
  }
  if (server !== undefined) return { server, credentials };
  throw new InvocationError(
    'say whom to ask: --data-dir DIR of a server that runs on this machine, or --server host:port',
  );
}

function readLocalAccess(dataDir: string, host: ReplaceHost): LocalAccess {
  const path = localAccessPath(dataDir);
  let text: string;
  try {
    text = host.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvocationError(
      `cannot read ${path}: ${reason}. It is there while a server of Quoll runs on this directory, ` +
        'for the user of that server',
    );
  }
  const access = parseLocalAccess(text);
  if (access === null) throw new InvocationError(`${path} is not as a server of Quoll writes it`);
  return access;
}

async function ask(
  link: AdminLink,
  member: string,
  credentials: Credentials | null,
  terminal: Terminal,
): Promise<number> {
  await link.open();
  if (credentials !== null) {
    const err = await link.signIn(credentials.scheme, utf8Encode(credentials.secret));
    if (err !== Err.ok) throw new LinkError(`it does not accept ${credentials.from}`);
  }
  const answer = await link.request(Op.reconfig, (writer) =>
    encodeRecord(writer, 'ReconfigRequest', {
      joiningServers: `replace.${member}`,
      leavingServers: null,
      newMembers: null,
      curConfigId: -1,
    }),
  );
  return report(answer, member, terminal);
}

interface Credentials {
  readonly scheme: string;
  readonly secret: string;
  /** Where they come from, for whoever has to look there. */
  readonly from: string;
}

function parseAuth(auth: string): Credentials {
  const colon = auth.indexOf(':');
  if (colon < 1) throw new InvocationError('--auth must be like digest:super:<password>');
  return { scheme: auth.slice(0, colon), secret: auth.slice(colon + 1), from: 'what --auth says' };
}

function report({ err, body }: Answer, member: string, terminal: Terminal): number {
  if (err !== Err.ok) {
    printFailure(terminal, advice(err, member));
    return ExitCode.unexpected;
  }
  const data = decodeRecord(body, 'GetDataResponse').data ?? new Uint8Array(0);
  terminal.out(`server.${member} is replaced. The configuration is now:\n`);
  terminal.out(`${utf8Decode(data, 0, data.length)}\n`);
  return ExitCode.ok;
}

function advice(err: number, member: string): string {
  switch (err) {
    case Err.noAuth:
      return (
        'only the super user may replace a member, or the user of a server on its machine: pass ' +
        '--data-dir DIR there; or, from anywhere, --auth digest:super:<password> (or QUOLL_AUTH), ' +
        'for which the servers need DigestAuthenticationProvider.superDigest'
      );
    case Err.newConfigNoQuorum:
      return (
        `no blank server says that it is server.${member}, or the others are no quorum: start ` +
        'it with an empty dataDir but its myid, then try again'
      );
    case Err.badArguments:
      return `the ensemble has no server.${member}: /zookeeper/config lists who there is`;
    case Err.unimplemented:
    case Err.reconfigDisabled:
      return 'this server is not part of an ensemble of Quoll, so there is nothing to replace';
    case Err.reconfigInProgress:
      return 'another change of the membership is under way: try again';
    default:
      return `the ensemble answered with error ${err}: try again`;
  }
}

function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? 0);
  if (match === null || port < 1 || port > 65_535) {
    throw new InvocationError(`--server must be host:port, such as 127.0.0.1:2181`);
  }
  return { host: match[1] ?? match[2] ?? '', port };
}
