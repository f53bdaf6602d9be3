import { DecodeError, type Reader } from '../../base/reader.ts';
import type { Writer } from '../../base/writer.ts';
import type { Ballot } from '../../paxos/ballot.ts';
import { DIGESTS_MAX, type StateDigest } from '../digest-votes.ts';
import type { Touch } from '../peer-port.ts';

/** Touches in one frame. */
export const TOUCHES_MAX = 100_000;

export function putBallot(writer: Writer, ballot: Ballot): void {
  writer.f64(ballot.round);
  writer.i32(ballot.replica);
}

export function takeBallot(reader: Reader): Ballot {
  return { round: reader.f64(), replica: reader.i32() };
}

export function putDigest(writer: Writer, { slot, high, low }: StateDigest): void {
  writer.f64(slot);
  writer.i64Halves(high, low);
}

export function takeDigest(reader: Reader): StateDigest {
  return { slot: reader.f64(), high: reader.i32(), low: reader.i32() };
}

export function takeDigests(reader: Reader): StateDigest[] {
  const count = reader.i32();
  if (count < 0 || count > DIGESTS_MAX) throw new DecodeError(`${count} digests`);
  const digests: StateDigest[] = [];
  for (let i = 0; i < count; i++) digests.push(takeDigest(reader));
  return digests;
}

export function putTouches(writer: Writer, touches: readonly Touch[]): void {
  writer.i32(touches.length);
  for (const { high, low } of touches) writer.i64Halves(high, low);
}

export function takeTouches(reader: Reader): Touch[] {
  const count = reader.i32();
  if (count < 0 || count > TOUCHES_MAX || count * 8 > reader.remaining) {
    throw new DecodeError(`${count} touches`);
  }
  const touches: Touch[] = [];
  for (let i = 0; i < count; i++) touches.push({ high: reader.i32(), low: reader.i32() });
  return touches;
}

/** Cuts what does not fit one frame; frames of one connection come in order. */
export function inFrames(touches: readonly Touch[]): (readonly Touch[])[] {
  const parts: (readonly Touch[])[] = [];
  for (let from = 0; from === 0 || from < touches.length; from += TOUCHES_MAX) {
    parts.push(touches.slice(from, from + TOUCHES_MAX));
  }
  return parts;
}

/** The rest of the payload; the bytes are the receiver's to keep. */
export function takeRest(reader: Reader): Uint8Array {
  return reader.bytes.subarray(reader.at, reader.end);
}

/** A view of the next bytes. */
export function takeBytes(reader: Reader, count: number): Uint8Array {
  const from = reader.at;
  reader.skip(count);
  return reader.bytes.subarray(from, from + count);
}
