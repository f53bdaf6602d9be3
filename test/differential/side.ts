import { Reader } from '../../src/base/reader.ts';
import { Writer } from '../../src/base/writer.ts';
import { decodeRecord } from '../../src/protocol/codec.ts';
import { Op as Opcode } from '../../src/protocol/constants.ts';
import {
  type Body,
  beginFrame,
  decodeReply,
  encodeRecordFrame,
  encodeRequest,
  endFrame,
} from '../../src/protocol/frames.ts';
import type { RecordOf } from '../../src/protocol/records.ts';
import { type Address, Link } from './link.ts';
import { encodeBody } from './requests.ts';
import type { Attach, Connect, Handshake, Op } from './steps.ts';
import { OPEN_ACL } from './vocabulary.ts';

export interface Session {
  readonly id: bigint;
  readonly passwd: Uint8Array;
}

const ANSWER_MS = 10_000;
const AHEAD = 2 ** 45;

/** One of the two servers, as an episode sees it: its connections, sessions, and zxid to count from. */
export class Side {
  readonly name: string;
  readonly address: Address;
  readonly links: Map<number, Link> = new Map();
  readonly sessions: Map<number, Session> = new Map();
  /** The zxid that made the episode's root. */
  base = 0;
  private readonly held = new Map<number, number>();
  private controller: Link | undefined;

  constructor(name: string, address: Address) {
    this.name = name;
    this.address = address;
  }

  /** Makes the episode's root on a connection of its own and counts zxids from there. */
  async begin(root: string): Promise<void> {
    this.links.clear();
    this.sessions.clear();
    this.held.clear();
    const body = { path: root, data: null, acl: OPEN_ACL, flags: 0 };
    const reply = await this.control(Opcode.create2, body);
    this.base = (reply as RecordOf<'Create2Response'>).stat.czxid;
  }

  /** Asks on the connection that belongs to no episode; a failure is an error. */
  async control(type: number, body: Body): Promise<unknown> {
    return ask(await this.controlLink(), type, body);
  }

  /** The step whose session the connection carries. */
  holds(slot: number): number | undefined {
    return this.held.get(slot);
  }

  bind(slot: number, step: number, session: Session): void {
    this.held.set(slot, step);
    this.sessions.set(step, session);
  }

  connect(step: Connect): Link {
    const { handshake } = step;
    const writer = new Writer();
    this.encodeHandshake(writer, handshake, 0n, handshake.passwd);
    const link = this.open(step.slot);
    this.append(writer, link, step.early);
    link.send(writer.written());
    return link;
  }

  attach(step: Attach): Link {
    const session = this.sessions.get(step.session);
    const writer = new Writer();
    const passwd = passwordFor(step, session?.passwd ?? new Uint8Array(16));
    this.encodeHandshake(writer, step.handshake, session?.id ?? 12345n, passwd);
    const link = this.open(step.slot);
    link.send(writer.written());
    return link;
  }

  send(slot: number, ops: readonly Op[]): void {
    const link = this.links.get(slot);
    if (link === undefined) return;
    const writer = new Writer(4096);
    this.append(writer, link, ops);
    link.send(writer.written());
  }

  /** Closes what the episode has left open, sessions too, so that none expires later. */
  async cleanUp(): Promise<void> {
    for (const link of this.links.values()) link.destroy();
    await Promise.all([...this.sessions.values()].map((session) => this.closeSession(session)));
  }

  end(): void {
    this.controller?.destroy();
  }

  private async controlLink(): Promise<Link> {
    if (this.controller !== undefined && !this.controller.closed) return this.controller;
    const link = new Link(this.address);
    const writer = new Writer();
    this.encodeHandshake(writer, CONTROL, 0n, new Uint8Array(16));
    link.send(writer.written());
    await link.settled(false, ANSWER_MS);
    if (link.handshake === undefined) throw new Error(`${this.name} refuses connections`);
    this.controller = link;
    return link;
  }

  private async closeSession(session: Session): Promise<void> {
    const link = new Link(this.address);
    const writer = new Writer();
    this.encodeHandshake(writer, CONTROL, session.id, session.passwd);
    encodeRequest(writer, { xid: 1, type: Opcode.closeSession, body: null });
    link.send(writer.written());
    await link.settled(true, 2000);
    link.destroy();
  }

  private open(slot: number): Link {
    this.links.get(slot)?.destroy();
    const link = new Link(this.address);
    this.links.set(slot, link);
    this.held.delete(slot);
    return link;
  }

  private encodeHandshake(
    writer: Writer,
    handshake: Handshake,
    sessionId: bigint,
    passwd: Uint8Array | null,
  ): void {
    const { protocolVersion, timeOut, readOnly } = handshake;
    const seen = { zero: 0, base: this.base, ahead: this.base + AHEAD };
    const lastZxidSeen = seen[handshake.lastZxidSeen];
    const record = { protocolVersion, lastZxidSeen, timeOut, sessionId, passwd, readOnly };
    encodeRecordFrame(writer, 'ConnectRequest', record);
  }

  private append(writer: Writer, link: Link, ops: readonly Op[]): void {
    for (const op of ops) {
      if (op.frame !== undefined) writer.raw(op.frame);
      else this.encodeOp(writer, op);
      if (op.closes !== 'silent') link.expect({ type: op.type, id: op.id }, op.xid);
    }
  }

  private encodeOp(writer: Writer, op: Op): void {
    const at = beginFrame(writer);
    writer.i32(op.xid);
    writer.i32(op.type);
    const { type } = op;
    const body = op.fromBase && !(op.body instanceof Uint8Array) ? this.rebased(op.body) : op.body;
    writer.raw(encodeBody({ type, body }));
    endFrame(writer, at);
  }

  private rebased(body: Op['body']): Op['body'] {
    const record = body as RecordOf<'SetWatches'>;
    return { ...record, relativeZxid: this.base + record.relativeZxid };
  }
}

const CONTROL: Handshake = {
  protocolVersion: 0,
  timeOut: 600_000,
  readOnly: false,
  passwd: null,
  lastZxidSeen: 'zero',
};

function passwordFor({ password }: Attach, right: Uint8Array): Uint8Array | null {
  if (password === 'right') return right;
  if (password === 'wrong') return right.map((byte) => byte ^ 1);
  return password === 'empty' ? new Uint8Array(0) : null;
}

/** Remembers the session that a handshake's answer names. */
export function sessionOf(payload: Uint8Array): Session {
  const { sessionId, passwd } = decodeRecord(new Reader(payload), 'ConnectResponse');
  return { id: sessionId, passwd: passwd ?? new Uint8Array(0) };
}

async function ask(link: Link, type: number, body: Body): Promise<unknown> {
  const writer = new Writer();
  encodeRequest(writer, { xid: 1, type, body });
  link.expect({ type, id: 0 }, 1);
  link.send(writer.written());
  await link.settled(false, ANSWER_MS);
  const reply = link.take().find((item) => item.kind === 'reply');
  if (reply?.kind !== 'reply') throw new Error('no answer on the control connection');
  const { err, body: answer } = decodeReply(reply.payload, type);
  if (err !== 0) throw new Error(`control operation ${type} failed with ${err}`);
  return answer;
}
