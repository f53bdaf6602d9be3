import { DecodeError, type Reader } from '../../base/reader.ts';
import type { Writer } from '../../base/writer.ts';
import { LEVEL_SUPPORTED } from '../../state/ensemble.ts';

/** What a connection between replicas is for. */
export const Purpose = {
  /** Messages of the consensus and what belongs to them, from the one who dialled. */
  messages: 1,
  /** Decided entries and snapshots, for the one who dialled. */
  fetch: 2,
  /** What is known of the ensemble, for one who is about to found or to enter it. */
  founding: 3,
  /** What is known of the ensemble, for one who joins as an observer that nobody configured. */
  joining: 4,
  /** The one link of such an observer. */
  observing: 5,
} as const;

/** Whom somebody asks that knows an address and no server: `toServerId` of one who joins. */
export const ANYBODY = 0;

const MAGIC = 0x51504552;
/** Of the frames and messages between replicas; each side refuses what it does not know. */
const VERSION = 1;
export const ID_BYTES = 16;
const NO_CLUSTER = new Uint8Array(ID_BYTES);

/** The first frame on every connection between replicas. */
export interface Hello {
  readonly purpose: number;
  /** Null from a replica that belongs to no ensemble yet. */
  readonly clusterId: Uint8Array | null;
  readonly serverId: number;
  /** Which replica bears that id: a wiped one comes back as another (rule 22). */
  readonly identity: Uint8Array;
  /** Whom the sender believes to talk to. */
  readonly toServerId: number;
  /** The sender's own server line, so that one whom nobody has configured can be reached. */
  readonly line: string;
}

/** A hello as it comes from somebody. */
export interface Greeting extends Hello {
  /** The behaviour level that the sender's version can follow. */
  readonly level: number;
}

/**
 * `magic:i32 version:i32 purpose:u8 clusterId:16 serverId:i32 identity:16 toServerId:i32
 * line:ustring level:i32`
 */
export function encodeHello(writer: Writer, hello: Hello, level: number = LEVEL_SUPPORTED): void {
  writer.i32(MAGIC);
  writer.i32(VERSION);
  writer.u8(hello.purpose);
  writer.raw(hello.clusterId ?? NO_CLUSTER);
  writer.i32(hello.serverId);
  writer.raw(hello.identity);
  writer.i32(hello.toServerId);
  writer.ustring(hello.line);
  writer.i32(level);
}

export function decodeHello(reader: Reader): Greeting {
  if (reader.i32() !== MAGIC) throw new DecodeError('no replica of Quoll');
  const version = reader.i32();
  if (version !== VERSION) throw new DecodeError(`a replica that speaks version ${version}`);
  const purpose = reader.u8();
  const clusterId = takeId(reader);
  const isNone = clusterId.every((byte) => byte === 0);
  return {
    purpose,
    clusterId: isNone ? null : clusterId,
    serverId: reader.i32(),
    identity: takeId(reader),
    toServerId: reader.i32(),
    line: reader.ustring() ?? '',
    // The first version says none.
    level: reader.remaining > 0 ? reader.i32() : 1,
  };
}

export function takeId(reader: Reader): Uint8Array {
  const from = reader.at;
  reader.skip(ID_BYTES);
  return reader.bytes.slice(from, from + ID_BYTES);
}

export function sameId(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
