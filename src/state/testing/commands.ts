import { utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { Op } from '../../protocol/constants.ts';
import { parseServerLine, type ServerLine } from '../../protocol/server-line.ts';
import { CommandHeader, CommandKind } from '../command.ts';
import { Identities } from '../identities.ts';
import { encodeMembership, type Membership } from '../membership.ts';

/** Commands for tests, from plain values. */
export interface CommandInput {
  readonly kind: number;
  readonly flags?: number;
  readonly opcode?: number;
  readonly high?: number;
  readonly low?: number;
  readonly generation?: number;
  readonly sequence?: number;
  readonly timeMs?: number;
  readonly identities?: Identities;
  readonly body?: Uint8Array;
}

export function encodeCommand(input: CommandInput): Uint8Array {
  const header = new CommandHeader();
  header.kind = input.kind;
  header.flags = input.flags ?? 0;
  header.opcode = input.opcode ?? 0;
  header.sessionHigh = input.high ?? 0;
  header.sessionLow = input.low ?? 0;
  header.generation = input.generation ?? 0;
  header.sequence = input.sequence ?? 0;
  header.timeMs = input.timeMs ?? 0;
  const writer = new Writer();
  header.encode(writer, (input.identities ?? Identities.none).encoded);
  if (input.body !== undefined) writer.raw(input.body);
  return writer.written().slice();
}

export interface Entry {
  readonly perms: number;
  readonly scheme: string | null;
  readonly id: string | null;
}

export const OPEN_ENTRIES: readonly Entry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];

/** One client write; what an opcode does not use is left out. */
export interface Write {
  readonly opcode: number;
  readonly path?: string | Uint8Array | null;
  readonly data?: string | Uint8Array | null;
  readonly acl?: readonly Entry[] | null;
  readonly flags?: number;
  readonly ttl?: number;
  readonly version?: number;
  readonly ops?: readonly Write[];
}

export function encodeWrite(write: Write): Uint8Array {
  const writer = new Writer();
  writeRequest(writer, write);
  return writer.written().slice();
}

function writeRequest(writer: Writer, write: Write): void {
  switch (write.opcode) {
    case Op.multi:
    case Op.multiRead:
      for (const op of write.ops ?? []) {
        writeMultiHeader(writer, op.opcode, false);
        writeRequest(writer, op);
      }
      writeMultiHeader(writer, -1, true);
      return;
    case Op.create:
    case Op.create2:
    case Op.createContainer:
    case Op.createTTL:
      writer.buffer(bytesOf(write.path));
      writer.buffer(bytesOf(write.data));
      writeAcl(writer, write.acl);
      writer.i32(write.flags ?? 0);
      if (write.opcode === Op.createTTL) writer.i64(write.ttl ?? -1);
      return;
    case Op.setData:
      writer.buffer(bytesOf(write.path));
      writer.buffer(bytesOf(write.data));
      writer.i32(write.version ?? -1);
      return;
    case Op.setACL:
      writer.buffer(bytesOf(write.path));
      writeAcl(writer, write.acl);
      writer.i32(write.version ?? -1);
      return;
    case Op.closeSession:
      return;
    case Op.getData:
    case Op.getChildren:
      writer.buffer(bytesOf(write.path));
      writer.bool(false);
      return;
    case Op.reconfig:
      for (let i = 0; i < 3; i++) writer.buffer(null);
      writer.i64(-1);
      return;
    default:
      writer.buffer(bytesOf(write.path));
      writer.i32(write.version ?? -1);
  }
}

function writeMultiHeader(writer: Writer, type: number, done: boolean): void {
  writer.i32(type);
  writer.bool(done);
  writer.i32(-1);
}

function writeAcl(writer: Writer, acl: readonly Entry[] | null = OPEN_ENTRIES): void {
  if (acl === null) {
    writer.i32(-1);
    return;
  }
  writer.i32(acl.length);
  for (const { perms, scheme, id } of acl) {
    writer.i32(perms);
    writer.ustring(scheme);
    writer.ustring(id);
  }
}

export function bytesOf(value: string | Uint8Array | null | undefined): Uint8Array | null {
  if (value === null) return null;
  return typeof value === 'string' || value === undefined ? utf8Encode(value ?? '') : value;
}

export function openingBody(timeoutMs: number, passwordHash: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.i32(timeoutMs);
  writer.buffer(passwordHash);
  return writer.written().slice();
}

export function reapCommand(path: string, timeMs: number): Uint8Array {
  const writer = new Writer();
  writer.ustring(path);
  const body = writer.written().slice();
  return encodeCommand({ kind: CommandKind.reapNode, timeMs, body });
}

export function rejectBody(code: number): Uint8Array {
  const writer = new Writer();
  writer.i32(code);
  return writer.written().slice();
}

/** Three voters and an observer; identities are the id, sixteen times. */
export const GENESIS_TEXT: string =
  'server.1=zk1:2888:3888:participant;0.0.0.0:2181\n' +
  'server.2=zk2:2888:3888:participant;0.0.0.0:2181\n' +
  'server.3=zk3:2888:3888:participant;0.0.0.0:2181\n' +
  'server.4=zk4:2888:3888:observer;0.0.0.0:2181';

export function genesisMembership(): Membership {
  const members = GENESIS_TEXT.split('\n').map((line, i) => ({
    id: i + 1,
    ...(parseServerLine(line.slice('server.N='.length)) as ServerLine),
    weight: 1,
    group: 0,
    identity: identityOf(i + 1),
  }));
  return { number: 1, version: 0, members, hierarchical: false, electionSize: 0, writeSize: 0 };
}

export function identityOf(id: number): Uint8Array {
  return new Uint8Array(16).fill(id);
}

export function genesisBody(membership: Membership = genesisMembership()): Uint8Array {
  const writer = new Writer();
  writer.raw(new Uint8Array(16).fill(0xc1));
  encodeMembership(writer, membership);
  return writer.written().slice();
}

export function openEpochBody(opensEpoch: boolean, level = 0): Uint8Array {
  const writer = new Writer();
  writer.i32(opensEpoch ? 1 : 0);
  writer.i32(level);
  return writer.written().slice();
}

/** [high, low, generation, age] of each session. */
export function agesBody(ages: readonly (readonly [number, number, number, number])[]): Uint8Array {
  const writer = new Writer();
  writer.i32(ages.length);
  for (const [high, low, generation, age] of ages) {
    writer.i32(high);
    writer.i32(low);
    writer.i32(generation);
    writer.u8(age);
  }
  return writer.written().slice();
}
