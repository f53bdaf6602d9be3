import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import type { Ballot } from './ballot.ts';
import type { Anchor, Unchained } from './entry.ts';
import type { Message } from './messages.ts';

/** A message's first byte. A number is never used again for something else. */
const TYPES = [
  'preVote',
  'preVoteReply',
  'prepare',
  'promise',
  'nack',
  'acceptSync',
  'accept',
  'accepted',
  'decide',
  'heartbeat',
  'heartbeatReply',
  'behind',
  'handOver',
] as const satisfies readonly Message['type'][];

const HASH_BYTES = 32;

/**
 * ```
 * message := type:u8 ballot configurationId:f64 fields, in the order of `messages.ts`
 * ballot  := round:f64 replica:i32          anchor := slot:f64 hash:32 bytes
 * entries := count:i32 (slot:f64 round:f64 replica:i32 kind:i32 body:buffer)*
 * ```
 */
export function encodeMessage(writer: Writer, message: Message): void {
  writer.u8(TYPES.indexOf(message.type));
  putBallot(writer, message.ballot);
  writer.f64(message.configurationId);
  switch (message.type) {
    case 'preVote':
    case 'prepare':
      putBallot(writer, message.accepted);
      writer.f64(message.last);
      writer.f64(message.decided);
      return;
    case 'preVoteReply':
      writer.bool(message.granted);
      putBallot(writer, message.promised);
      writer.bool(message.behind);
      return;
    case 'nack':
      putBallot(writer, message.promised);
      writer.bool(message.behind);
      return;
    case 'promise':
    case 'acceptSync':
    case 'accept':
      putLog(writer, message);
      return;
    case 'accepted':
      writer.f64(message.slot);
      writer.raw(message.hash);
      return;
    case 'heartbeat':
      writer.f64(message.probe);
      writer.f64(message.decided);
      return;
    case 'heartbeatReply':
      writer.f64(message.probe);
      writer.bool(message.synced);
      writer.f64(message.last);
      writer.f64(message.decided);
      writer.bool(message.damaged);
      return;
    case 'decide':
    case 'behind':
      writer.f64(message.decided);
      return;
    case 'handOver':
  }
}

function putLog(
  writer: Writer,
  message: Extract<Message, { type: 'promise' | 'acceptSync' | 'accept' }>,
): void {
  putAnchor(writer, message.after);
  putEntries(writer, message.entries);
  putHash(writer, message.hash);
  writer.f64(message.decided);
  if (message.type === 'accept') return;
  writer.bool(message.isLast);
  if (message.type === 'acceptSync') {
    writer.bool(message.isFirst);
    return;
  }
  putBallot(writer, message.accepted);
  writer.f64(message.last);
  writer.bool(message.damaged);
}

function putBallot(writer: Writer, ballot: Ballot): void {
  writer.f64(ballot.round);
  writer.i32(ballot.replica);
}

function putAnchor(writer: Writer, anchor: Anchor): void {
  writer.f64(anchor.slot);
  putHash(writer, anchor.hash);
}

/** A hash that the sender does not know, because nothing depends on it, travels as zeros. */
function putHash(writer: Writer, hash: Uint8Array): void {
  writer.raw(hash);
  for (let missing = HASH_BYTES - hash.length; missing > 0; missing--) writer.u8(0);
}

export function putEntries(writer: Writer, entries: readonly Unchained[]): void {
  writer.i32(entries.length);
  for (const { slot, round, replica, kind, body } of entries) {
    writer.f64(slot);
    writer.f64(round);
    writer.i32(replica);
    writer.i32(kind);
    writer.buffer(body);
  }
}

/**
 * Decodes the message that the reader spans. Hashes and bodies are views of its bytes: hand those
 * over, they live as long as the entries. Throws DecodeError, also for numbers that can't be.
 */
export function decodeMessage(reader: Reader): Message {
  const type = TYPES[reader.u8()];
  if (type === undefined) throw new DecodeError('a message of unknown type');
  const base = { ballot: takeBallot(reader), configurationId: takeCount(reader) };
  const message = decodeFields(reader, type, base);
  if (reader.remaining > 0) throw new DecodeError('a message longer than its content');
  return message;
}

function decodeFields(
  reader: Reader,
  type: Message['type'],
  base: { readonly ballot: Ballot; readonly configurationId: number },
): Message {
  switch (type) {
    case 'preVote':
    case 'prepare': {
      const accepted = takeBallot(reader);
      return { type, ...base, accepted, last: takeCount(reader), decided: takeCount(reader) };
    }
    case 'preVoteReply': {
      const granted = reader.bool();
      return { type, ...base, granted, promised: takeBallot(reader), behind: reader.bool() };
    }
    case 'nack':
      return { type, ...base, promised: takeBallot(reader), behind: reader.bool() };
    case 'promise':
    case 'acceptSync':
    case 'accept':
      return takeLog(reader, type, base);
    case 'accepted':
      return { type, ...base, slot: takeCount(reader), hash: takeHash(reader) };
    case 'heartbeat':
      return { type, ...base, probe: takeCount(reader), decided: takeCount(reader) };
    case 'heartbeatReply': {
      const [probe, synced, last] = [takeCount(reader), reader.bool(), takeCount(reader)];
      const [decided, damaged] = [takeCount(reader), reader.bool()];
      return { type, ...base, probe, synced, last, decided, damaged };
    }
    case 'decide':
    case 'behind':
      return { type, ...base, decided: takeCount(reader) };
    case 'handOver':
      return { type, ...base };
  }
}

function takeLog(
  reader: Reader,
  type: 'promise' | 'acceptSync' | 'accept',
  base: { readonly ballot: Ballot; readonly configurationId: number },
): Message {
  const after = { slot: takeCount(reader), hash: takeHash(reader) };
  const entries = takeEntries(reader);
  const log = { ...base, after, entries, hash: takeHash(reader), decided: takeCount(reader) };
  if (type === 'accept') return { type, ...log };
  const isLast = reader.bool();
  if (type === 'acceptSync') return { type, ...log, isLast, isFirst: reader.bool() };
  const accepted = takeBallot(reader);
  return { type, ...log, isLast, accepted, last: takeCount(reader), damaged: reader.bool() };
}

export function takeEntries(reader: Reader): Unchained[] {
  const count = reader.i32();
  // Each takes 28 bytes at least: no count is believed that the bytes could not hold (rule 54).
  if (count < 0 || count * 28 > reader.remaining) throw new DecodeError(`${count} entries`);
  const entries: Unchained[] = [];
  for (let i = 0; i < count; i++) {
    const [slot, round, replica, kind] = [
      takeCount(reader),
      takeCount(reader),
      reader.i32(),
      reader.i32(),
    ];
    const from = reader.span();
    if (reader.length < 0) throw new DecodeError('an entry without a body');
    const body = reader.bytes.subarray(from, from + reader.length);
    entries.push({ slot, round, replica, kind, body });
  }
  return entries;
}

function takeBallot(reader: Reader): Ballot {
  return { round: takeCount(reader), replica: reader.i32() };
}

function takeHash(reader: Reader): Uint8Array {
  const from = reader.at;
  reader.skip(HASH_BYTES);
  return reader.bytes.subarray(from, from + HASH_BYTES);
}

function takeCount(reader: Reader): number {
  const count = reader.f64();
  if (!Number.isSafeInteger(count) || count < 0) throw new DecodeError(`${count} counts nothing`);
  return count;
}
