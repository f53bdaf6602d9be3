import { equalBytes, viewOf } from '../../base/bytes.ts';
import type { Entry as Carried } from '../../gossip/entry.ts';
import type { ChainHash, Entry } from '../../paxos/entry.ts';

/** `kind:u8 replica:u32 round:f64 body` */
const HEAD_BYTES = 13;

/**
 * An entry of the log as gossip carries it. Nothing of it refers to the entry any more: `slice` of a
 * hash would, for those of Node.js are Buffers.
 */
export function toCarried(entry: Entry, previous: Uint8Array): Carried {
  const body = new Uint8Array(HEAD_BYTES + entry.body.length);
  const view = viewOf(body);
  view.setUint8(0, entry.kind);
  view.setUint32(1, entry.replica);
  view.setFloat64(5, entry.round);
  body.set(entry.body, HEAD_BYTES);
  return { slot: entry.slot, previous, hash: new Uint8Array(entry.hash), body };
}

/** Null for what no entry of the log looks like. */
export function fromCarried({ slot, hash, body }: Carried): Entry | null {
  if (body.length < HEAD_BYTES) return null;
  const view = viewOf(body);
  const round = view.getFloat64(5);
  if (!Number.isSafeInteger(round) || round < 0) return null;
  const [kind, replica] = [view.getUint8(0), view.getUint32(1)];
  return { slot, round, replica, kind, body: body.subarray(HEAD_BYTES), hash };
}

/** Whether an entry's hash covers what it says, and what it follows (rule 38). */
export function isGenuine(chain: ChainHash, carried: Carried): boolean {
  const entry = fromCarried(carried);
  if (entry === null) return false;
  const { slot, round, kind, replica, body } = entry;
  const hash = chain(carried.previous, slot, round, kind, replica, body);
  return equalBytes(hash, 0, carried.hash, 0, hash.length);
}
