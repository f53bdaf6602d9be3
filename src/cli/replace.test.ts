import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { utf8Encode } from '../base/utf8.ts';
import { Writer } from '../base/writer.ts';
import { TestRun } from '../entry/running-server.test-helper.ts';
import { decodeRecord, encodeRecord } from '../protocol/codec.ts';
import { Err, Op, Xid } from '../protocol/constants.ts';
import type { RecordOf } from '../protocol/records.ts';
import { type FrameLink, LinkError } from './admin-link.ts';
import { InvocationError } from './exit-code.ts';
import { type Connect, type ReplaceArguments, replaceMember } from './replace.ts';
import { connectFrames } from './replace-host.ts';
import { type Ran, ran } from './terminal.test-helper.ts';

const STAT = {
  czxid: 0,
  mzxid: 0,
  ctime: 0,
  mtime: 0,
  version: -1,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: 0,
  numChildren: 0,
  pzxid: 0,
};

/** A server as far as one session of this command sees it. */
class FakeServer implements FrameLink {
  timeoutMs = 30_000;
  authErr: number = Err.ok;
  reconfigErr: number = Err.ok;
  closed = false;
  auth: RecordOf<'AuthPacket'> | null = null;
  asked: RecordOf<'ReconfigRequest'> | null = null;
  readonly opcodes: number[] = [];
  private readonly frames: Uint8Array[] = [];
  private isOpen = false;

  send(frame: Uint8Array): void {
    const reader = new Reader(frame.slice());
    if (!this.isOpen) this.open(reader);
    else this.answer(reader);
  }

  async receive(): Promise<Uint8Array> {
    const frame = this.frames.shift();
    if (frame === undefined) throw new LinkError('the server has closed the connection');
    return frame;
  }

  close(): void {
    this.closed = true;
  }

  private open(reader: Reader): void {
    decodeRecord(reader, 'ConnectRequest');
    this.isOpen = true;
    this.push((writer) =>
      encodeRecord(writer, 'ConnectResponse', {
        protocolVersion: 0,
        timeOut: this.timeoutMs,
        sessionId: 1n,
        passwd: new Uint8Array(16),
        readOnly: false,
      }),
    );
  }

  private answer(reader: Reader): void {
    const { xid, type } = decodeRecord(reader, 'RequestHeader');
    this.opcodes.push(type);
    if (type === Op.auth) this.auth = decodeRecord(reader, 'AuthPacket');
    if (type === Op.reconfig) this.asked = decodeRecord(reader, 'ReconfigRequest');
    const err = type === Op.auth ? this.authErr : type === Op.reconfig ? this.reconfigErr : 0;
    // An event that nobody asked for comes in between.
    this.push((writer) =>
      encodeRecord(writer, 'ReplyHeader', { xid: Xid.notification, zxid: -1, err: 0 }),
    );
    this.push((writer) => {
      encodeRecord(writer, 'ReplyHeader', { xid, zxid: 7, err });
      if (type !== Op.reconfig || err !== Err.ok) return;
      const data = utf8Encode('server.1=a:1:2:participant\nversion=7');
      encodeRecord(writer, 'GetDataResponse', { data, stat: STAT });
    });
  }

  private push(write: (writer: Writer) => void): void {
    const writer = new Writer();
    write(writer);
    this.frames.push(writer.written().slice());
  }
}

function run(
  args: Partial<ReplaceArguments>,
  connect: Connect,
  files: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const all = { member: '3', server: 'zk1:2181', auth: undefined, dataDir: undefined, ...args };
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  };
  return ran((terminal) => replaceMember(all, { connect, readFile }, terminal));
}

function runAt(server: FakeServer, args: Partial<ReplaceArguments> = {}): Promise<Ran> {
  return run(args, async () => server);
}

describe('quoll replace', () => {
  it('signs in, asks for the member and shows what the configuration has become', async () => {
    const server = new FakeServer();
    const answer = await runAt(server, { auth: 'digest:super:a:b' });
    expect(answer).toEqual({
      code: 0,
      out:
        'server.3 is replaced. The configuration is now:\n' +
        'server.1=a:1:2:participant\nversion=7\n',
      err: '',
    });
    expect(server.auth).toEqual({ type: 0, scheme: 'digest', auth: utf8Encode('super:a:b') });
    expect(server.asked).toEqual({
      joiningServers: 'replace.3',
      leavingServers: null,
      newMembers: null,
      curConfigId: -1,
    });
    expect(server.opcodes).toEqual([Op.auth, Op.reconfig, Op.closeSession]);
    expect(server.closed).toBe(true);
  });

  it.each([
    [Err.noAuth, 'only the super user'],
    [Err.newConfigNoQuorum, 'no blank server says that it is server.3'],
    [Err.badArguments, 'has no server.3'],
    [Err.unimplemented, 'not part of an ensemble'],
    [Err.reconfigInProgress, 'under way'],
    [Err.operationTimeout, 'error -7'],
  ])('says what to do about error %i', async (reconfigErr, advice) => {
    const server = Object.assign(new FakeServer(), { reconfigErr });
    const answer = await runAt(server);
    expect([answer.code, answer.out]).toEqual([1, '']);
    expect(answer.err).toContain(advice);
    expect(server.closed).toBe(true);
  });

  it('asks for nothing when it can’t sign in, or gets no session', async () => {
    const stranger = Object.assign(new FakeServer(), { authErr: Err.authFailed });
    const answer = await runAt(stranger, { auth: 'digest:super:x' });
    expect(answer.err).toBe('error: zk1:2181: it does not accept what --auth says\n');
    expect([answer.code, stranger.asked]).toEqual([1, null]);
    const full = Object.assign(new FakeServer(), { timeoutMs: 0 });
    expect((await runAt(full)).err).toContain('gives no session');
    expect(full.closed).toBe(true);
  });

  it('shows that it is on a server’s own machine by the token in its data directory', async () => {
    const files = { '/d/quoll/local-access': 'localhost:4321\nabcdef\n' };
    const seen: unknown[] = [];
    const server = new FakeServer();
    const connect: Connect = async (...address) => {
      seen.push(address);
      return server;
    };
    const here = { server: undefined, dataDir: '/d/' };
    expect(await run(here, connect, files)).toMatchObject({ code: 0, err: '' });
    expect(seen).toEqual([['localhost', 4321]]);
    expect(server.auth).toEqual({ type: 0, scheme: 'local', auth: utf8Encode('abcdef') });
    const stale = Object.assign(new FakeServer(), { authErr: Err.authFailed });
    const answer = await run(here, async () => stale, files);
    expect(answer.err).toBe('error: localhost:4321: it does not accept the token of /d/\n');
    const broken = { '/d/quoll/local-access': 'localhost:4321\n' };
    await expect(run(here, connect, broken)).rejects.toThrow(/not as a server of Quoll writes it/);
  });

  it('finds the port in addresses of all kinds', async () => {
    const seen: unknown[] = [];
    const connect: Connect = async (host, port) => {
      seen.push([host, port]);
      return new FakeServer();
    };
    await run({ server: '[::1]:2181' }, connect);
    await run({ server: '10.0.0.1:65535' }, connect);
    expect(seen).toEqual([
      ['::1', 2181],
      ['10.0.0.1', 65_535],
    ]);
  });

  it.each([
    [{ member: 'server.3' }],
    [{ member: '0' }],
    [{ server: 'zk1' }],
    [{ server: 'zk1:0' }],
    [{ server: '::1:2181' }],
    [{ auth: 'super' }],
    [{ server: undefined }],
    [{ dataDir: '/nowhere' }],
  ])('refuses %j', async (args) => {
    await expect(runAt(new FakeServer(), args)).rejects.toThrow(InvocationError);
  });
});

describe('over the network', () => {
  it('a server alone says that there is nothing to replace', async () => {
    const server = await TestRun.start([]);
    const address = `${server.server.address}:${server.server.port}`;
    const answer = await run({ server: address }, connectFrames);
    expect(answer).toMatchObject({ code: 1, out: '' });
    expect(answer.err).toContain('not part of an ensemble');
    await server.end();
    const gone = await run({ server: address }, connectFrames);
    expect(gone.err).toContain(`cannot reach ${address}`);
  });
});
