import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import { factsBytes, putFacts, takeFacts } from './codec-facts.ts';
import {
  countBytes,
  HASH_BYTES,
  ID_BYTES,
  putCount,
  putId,
  putText,
  takeBool,
  takeCount,
  takeId,
  takeText,
  takeView,
  textBytes,
} from './codec-parts.ts';
import type { Entry } from './entry.ts';
import type { MemberId } from './member.ts';
import type { LogMessage, Message, Push } from './messages.ts';

/** Of the whole format: whoever does not know it understands nothing. */
const FORMAT = 1;

/** A message's type as it travels. A number is never used again for something else. */
const TYPES = [
  'ping',
  'ack',
  'nack',
  'pingRequest',
  'rumours',
  'exchange',
  'link',
  'linked',
  'unlink',
  'push',
  'have',
  'want',
  'prune',
] as const satisfies readonly Message['type'][];

/** Format, cluster, type, sender. */
const HEADER_BYTES = 1 + 4 + 1 + ID_BYTES;

/** A pushed entry without its body: its hash, and the body's length at its shortest. */
const ENTRY_BYTES_MIN = HASH_BYTES + 1;

/** A decoded message and who it says sent it. */
export interface Frame {
  readonly from: MemberId;
  readonly message: Message;
}

/**
 * ```
 * frame := format:u8 cluster:i32 type:u8 from:id fields, in the order of `messages.ts`
 * ```
 * `cluster` stands for the cluster's name: messages of another one are refused.
 */
export function encodeFrame(
  writer: Writer,
  cluster: number,
  from: MemberId,
  message: Message,
): void {
  writer.u8(FORMAT);
  writer.i32(cluster);
  writer.u8(TYPES.indexOf(message.type));
  putId(writer, from);
  putFields(writer, message);
}

function putFields(writer: Writer, message: Message): void {
  switch (message.type) {
    case 'ping':
      putCount(writer, message.number);
      putId(writer, message.target);
      break;
    case 'ack':
    case 'nack':
      putCount(writer, message.number);
      break;
    case 'pingRequest':
      putCount(writer, message.number);
      putId(writer, message.target);
      putText(writer, message.address);
      break;
    case 'rumours':
      break;
    case 'exchange':
      writer.bool(message.wantsReply);
      break;
    default:
      putLogFields(writer, message);
      return;
  }
  putFacts(writer, message.facts);
}

function putLogFields(writer: Writer, message: LogMessage): void {
  switch (message.type) {
    case 'link':
      writer.bool(message.isUrgent);
      writer.bool(message.wantsFeed);
      putCount(writer, message.slot);
      return;
    case 'linked':
      writer.bool(message.isAccepted);
      return;
    case 'push':
      putPush(writer, message);
      return;
    case 'have':
      putCount(writer, message.first);
      putCount(writer, message.last);
      putCount(writer, message.round);
      writer.bool(message.isNeighbour);
      writer.bool(message.isFeed);
      return;
    case 'want':
      putCount(writer, message.slot);
      writer.bool(message.feed);
      return;
    case 'unlink':
    case 'prune':
  }
}

/** `push := round isFeed:bool first:count count previous:hash (hash length:count body)*` */
function putPush(writer: Writer, { round, isFeed, entries }: Push): void {
  const first = entries[0] as Entry;
  putCount(writer, round);
  writer.bool(isFeed);
  putCount(writer, first.slot);
  putCount(writer, entries.length);
  writer.raw(first.previous);
  for (const { hash, body } of entries) {
    writer.raw(hash);
    putCount(writer, body.length);
    writer.raw(body);
  }
}

/** Exactly what `encodeFrame` writes. */
export function frameBytes(message: Message): number {
  return HEADER_BYTES + fieldBytes(message);
}

function fieldBytes(message: Message): number {
  switch (message.type) {
    case 'ping':
      return countBytes(message.number) + ID_BYTES + factsBytes(message.facts);
    case 'ack':
    case 'nack':
      return countBytes(message.number) + factsBytes(message.facts);
    case 'pingRequest': {
      const { number, address, facts } = message;
      return countBytes(number) + ID_BYTES + textBytes(address) + factsBytes(facts);
    }
    case 'rumours':
      return factsBytes(message.facts);
    case 'exchange':
      return 1 + factsBytes(message.facts);
    case 'link':
      return 2 + countBytes(message.slot);
    case 'linked':
      return 1;
    case 'push':
      return pushBytes(message);
    case 'have':
      return countBytes(message.first) + countBytes(message.last) + countBytes(message.round) + 2;
    case 'want':
      return countBytes(message.slot) + 1;
    case 'unlink':
    case 'prune':
      return 0;
  }
}

function pushBytes({ round, entries }: Push): number {
  const head = countBytes(round) + 1 + countBytes((entries[0] as Entry).slot);
  const bodies = entries.reduce(
    (sum, { body }) => sum + HASH_BYTES + countBytes(body.length) + body.length,
    0,
  );
  return head + countBytes(entries.length) + HASH_BYTES + bodies;
}

/**
 * Decodes the frame that the reader spans. Hashes and bodies are views of its bytes: hand those
 * over, they live as long as the entries. Throws DecodeError and nothing else.
 */
export function decodeFrame(reader: Reader, cluster: number): Frame {
  if (reader.u8() !== FORMAT) throw new DecodeError('a format that is not known here');
  if (reader.i32() !== (cluster | 0)) throw new DecodeError('a message of another cluster');
  const type = TYPES[reader.u8()];
  if (type === undefined) throw new DecodeError('a message of unknown type');
  const from = takeId(reader);
  const message = takeFields(reader, type);
  if (reader.remaining > 0) throw new DecodeError('a message longer than its content');
  return { from, message };
}

function takeFields(reader: Reader, type: Message['type']): Message {
  switch (type) {
    case 'ping': {
      const [number, target] = [takeCount(reader), takeId(reader)];
      return { type, number, target, facts: takeFacts(reader) };
    }
    case 'ack':
    case 'nack':
      return { type, number: takeCount(reader), facts: takeFacts(reader) };
    case 'pingRequest': {
      const [number, target, address] = [takeCount(reader), takeId(reader), takeText(reader)];
      return { type, number, target, address, facts: takeFacts(reader) };
    }
    case 'rumours':
      return { type, facts: takeFacts(reader) };
    case 'exchange':
      return { type, wantsReply: takeBool(reader), facts: takeFacts(reader) };
    default:
      return takeLogFields(reader, type);
  }
}

function takeLogFields(reader: Reader, type: LogMessage['type']): Message {
  switch (type) {
    case 'link': {
      const [isUrgent, wantsFeed] = [takeBool(reader), takeBool(reader)];
      return { type, isUrgent, wantsFeed, slot: takeCount(reader) };
    }
    case 'linked':
      return { type, isAccepted: takeBool(reader) };
    case 'push':
      return takePush(reader);
    case 'have': {
      const [first, last, round] = [takeCount(reader), takeCount(reader), takeCount(reader)];
      if (first > last + 1) throw new DecodeError('a range that ends before it begins');
      const [isNeighbour, isFeed] = [takeBool(reader), takeBool(reader)];
      return { type, first, last, round, isNeighbour, isFeed };
    }
    case 'want':
      return { type, slot: takeCount(reader), feed: takeBool(reader) };
    case 'unlink':
    case 'prune':
      return { type };
  }
}

function takePush(reader: Reader): Push {
  const [round, isFeed, first] = [takeCount(reader), takeBool(reader), takeCount(reader)];
  const count = takeCount(reader);
  if (count === 0 || count * ENTRY_BYTES_MIN > reader.remaining) {
    throw new DecodeError(`${count} entries`);
  }
  let previous = takeView(reader, HASH_BYTES);
  const entries: Entry[] = [];
  for (let slot = first; slot < first + count; slot++) {
    const hash = takeView(reader, HASH_BYTES);
    const length = takeCount(reader);
    if (length > reader.remaining) throw new DecodeError(`a body of ${length} bytes`);
    entries.push({ slot, previous, hash, body: takeView(reader, length) });
    previous = hash;
  }
  return { type: 'push', round, isFeed, entries };
}
