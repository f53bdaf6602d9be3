import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import { decodeRecord, encodeRecord } from '../protocol/codec.ts';
import { Err, Op } from '../protocol/constants.ts';
import { AdminLink, type Answer, type FrameLink, LinkError } from './admin-link.ts';
import { ExitCode, InvocationError } from './exit-code.ts';
import { printFailure, type Terminal } from './terminal.ts';

export interface ReplaceArguments {
  /** The member, as it was typed. */
  readonly member: string;
  /** host:port of any server of the ensemble. */
  readonly server: string;
  /** scheme:credentials; undefined: nobody in particular. */
  readonly auth: string | undefined;
}

export type Connect = (host: string, port: number) => Promise<FrameLink>;

/** Asks the ensemble to take a server with a blank disk for its member N. Gives the exit code. */
export async function replaceMember(
  args: ReplaceArguments,
  connect: Connect,
  terminal: Terminal,
): Promise<number> {
  const { member, server, auth } = args;
  if (!/^[1-9]\d{0,2}$/.test(member)) {
    throw new InvocationError(`"${member}" is no server id: it is the N of a line server.N=...`);
  }
  const credentials = auth === undefined ? null : parseAuth(auth);
  const { host, port } = parseAddress(server);
  try {
    const link = new AdminLink(await connect(host, port));
    return await ask(link, member, credentials, terminal).finally(() => link.close());
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    printFailure(terminal, `${server}: ${error.message}`);
    return ExitCode.unexpected;
  }
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
    if (err !== Err.ok) throw new LinkError('it does not accept what --auth says');
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
}

function parseAuth(auth: string): Credentials {
  const colon = auth.indexOf(':');
  if (colon < 1) throw new InvocationError('--auth must be like digest:super:<password>');
  return { scheme: auth.slice(0, colon), secret: auth.slice(colon + 1) };
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
        'only the super user may replace a member: pass --auth digest:super:<password>, or set ' +
        'QUOLL_AUTH to it; the servers need DigestAuthenticationProvider.superDigest for that'
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
