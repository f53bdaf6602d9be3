import { Reader } from '../base/reader.ts';
import { type Configuration, configurationIn } from '../paxos/configuration.ts';
import { EntryKind } from '../paxos/entry.ts';
import { decodeRecord } from '../protocol/codec.ts';
import { Op } from '../protocol/constants.ts';
import { decodeMultiRequest } from '../protocol/multi.ts';
import { operations } from '../protocol/operations.ts';
import type { ACL } from '../protocol/records.ts';
import { CommandHeader, CommandKind } from '../state/command.ts';
import { OpenEpoch } from '../state/ensemble-commands.ts';
import { decodeId, decodeMembership, type Membership } from '../state/membership.ts';
import { decodeIdentities, decodeReconfig, type ReconfigRequest } from '../state/reconfig.ts';
import type { PlainCommand, PlainWrite } from '../state/testing/model-parts.ts';
import type { DecidedEntry } from './decided.ts';

/** A command of the log as plain values, for the naive model. */
export interface LoggedCommand extends PlainCommand {
  readonly slot: number;
  readonly decidedUs: number;
  /** That the command's slot brings into force; most do not. */
  readonly configuration?: Configuration;
  /** The client's xid. */
  readonly cxid: number;
  readonly session: bigint;
  /** Of genesis. */
  readonly membership?: Membership;
  /** With the identities that the leader has put behind it. */
  readonly reconfig?: {
    readonly request: ReconfigRequest;
    readonly identities: ReadonlyMap<number, Uint8Array>;
  };
  /** Of openEpoch: the behaviour level from here on; 0: as it was. */
  readonly level?: number;
  /** Of sessionAges: who had been silent for how many quarters of its time-out. */
  readonly ages?: readonly { readonly session: bigint; readonly age: number }[];
}

/** The commands of an entry, in order. */
export function commandsOf(entry: DecidedEntry): LoggedCommand[] {
  const commands: LoggedCommand[] = [];
  const reader = new Reader(entry.body);
  const isStopSign = entry.kind === EntryKind.configuration;
  // A stop-sign names the next configuration ahead of its commands.
  if (isStopSign) reader.skip(reader.i32());
  while (reader.remaining > 0) {
    const length = reader.i32();
    const from = reader.at;
    reader.skip(length);
    const command = decodeCommand(new Reader(entry.body.slice(from, from + length)), entry);
    commands.push(
      isStopSign ? { ...command, configuration: configurationIn(entry.body) } : command,
    );
  }
  return commands;
}

function decodeCommand(reader: Reader, { slot, atUs }: DecidedEntry): LoggedCommand {
  const header = new CommandHeader();
  header.decode(reader);
  const { kind, opcode, sessionHigh: high, sessionLow: low } = header;
  const { bytes } = reader;
  const identities = new Reader(
    bytes.slice(header.identitiesAt, header.identitiesAt + header.identitiesLength),
  );
  return {
    kind,
    opcode,
    high,
    low,
    flags: header.flags,
    generation: header.generation,
    sequence: header.sequence,
    timeMs: header.timeMs,
    cxid: header.cxid,
    slot,
    decidedUs: atUs,
    session: sessionOf(high, low),
    identities: identitiesOf(identities),
    ...bodyOf(kind, opcode, reader),
  };
}

function identitiesOf(reader: Reader): { scheme: string; id: string }[] {
  const count = reader.remaining === 0 ? 0 : reader.i32();
  return Array.from({ length: Math.max(count, 0) }, () => {
    const { scheme, id } = decodeRecord(reader, 'Id');
    return { scheme: scheme ?? '', id: id ?? '' };
  });
}

function sessionOf(high: number, low: number): bigint {
  return BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
}

type CommandBody = Pick<
  LoggedCommand,
  | 'write'
  | 'opening'
  | 'path'
  | 'code'
  | 'opensEpoch'
  | 'level'
  | 'membership'
  | 'reconfig'
  | 'ages'
>;

function bodyOf(kind: number, opcode: number, reader: Reader): CommandBody {
  switch (kind) {
    case CommandKind.openSession:
    case CommandKind.attachSession: {
      const timeoutMs = reader.i32();
      return { opening: { timeoutMs, hash: String(reader.buffer()) } };
    }
    case CommandKind.write:
      return opcode === Op.reconfig ? reconfigOf(reader) : { write: writeOf(opcode, reader) };
    case CommandKind.genesis:
      decodeId(reader);
      return { membership: decodeMembership(reader) };
    case CommandKind.reapNode:
      return { path: reader.ustring() ?? '' };
    case CommandKind.reject:
      return { code: reader.i32() };
    case CommandKind.openEpoch:
      return { opensEpoch: (reader.i32() & OpenEpoch.opensEpoch) !== 0, level: reader.i32() };
    case CommandKind.sessionAges:
      return { ages: agesIn(reader) };
    default:
      return {};
  }
}

function reconfigOf(reader: Reader): CommandBody {
  const request = decodeReconfig(reader);
  return {
    write: { opcode: Op.reconfig },
    reconfig: { request, identities: decodeIdentities(reader) },
  };
}

function agesIn(reader: Reader): { session: bigint; age: number }[] {
  return Array.from({ length: reader.i32() }, () => {
    const session = sessionOf(reader.i32(), reader.i32());
    reader.i32();
    return { session, age: reader.u8() };
  });
}

function writeOf(opcode: number, reader: Reader): PlainWrite {
  if (opcode === Op.multi) {
    const ops = decodeMultiRequest(reader).map(({ type, request }) => plain(type, request));
    return { opcode, ops };
  }
  const shape = operations.get(opcode)?.request;
  if (shape === null || shape === undefined || shape === 'multi') return { opcode };
  return plain(opcode, decodeRecord(reader, shape));
}

/** The model keeps data as texts: workloads write ASCII. */
function plain(opcode: number, record: unknown): PlainWrite {
  const fields = record as Record<string, unknown> & { data?: Uint8Array | null; acl?: ACL[] };
  const { data, acl, ...rest } = fields;
  return {
    ...rest,
    opcode,
    ...(data === undefined ? {} : { data: textOf(data) }),
    ...(acl === undefined ? {} : { acl: acl?.map(({ perms, id }) => ({ perms, ...id })) ?? null }),
  } as PlainWrite;
}

export function textOf(data: Uint8Array | null): string | null {
  return data === null ? null : new TextDecoder().decode(data);
}
