import { utf8Encode } from '../base/utf8.ts';
import type { State } from '../state/state.ts';
import type { Model } from '../state/testing/model.ts';

/** Znodes whose counters are about to wrap; workloads write to each. */
export const WRAPPING: readonly string[] = ['/', '/zookeeper', '/zookeeper/quota'];

/** A few writes before an epoch has no counter left, and more than one run has. */
const ZXID = 3 * 2 ** 32 - 40;
const COUNTER = 2 ** 31 - 10;

/** Sessions that were attached nearly as often as can be counted: some clients begin with one. */
export const WORN_SESSIONS: readonly bigint[] = [1n, 2n, 3n].map((low) => (1n << 56n) | low);
const GENERATION = 2 ** 31 - 2;
const TIMEOUT_MS = 4_000;
/** SHA-256 of sixteen zeros, the password of whoever has been told none. */
const PASSWORD_HASH = new Uint8Array([
  55, 71, 8, 255, 247, 113, 157, 213, 151, 158, 200, 117, 213, 108, 210, 40, 111, 109, 60, 247, 236,
  49, 122, 59, 37, 99, 42, 171, 40, 236, 55, 187,
]);

/** What a blank state begins with, in runs that begin near the ends of its counters. */
export function moveNearWraps(state: State): void {
  const { tree } = state;
  for (const path of WRAPPING) {
    const bytes = utf8Encode(path);
    const row = state.find(bytes, 0, bytes.length);
    tree.setVersion(row, COUNTER);
    tree.setCversion(row, COUNTER);
  }
  tree.settle();
  for (const id of WORN_SESSIONS) {
    const [high, low] = halvesOf(id);
    const session = state.sessions.open(high, low, TIMEOUT_MS, PASSWORD_HASH, tree.newList());
    Object.assign(session, { generation: GENERATION });
  }
  state.zxid = ZXID;
}

/** The same for the model that the servers are compared with. */
export function moveModelNearWraps(model: Model): void {
  for (const path of WRAPPING) {
    Object.assign(model.node(path), { version: COUNTER, cversion: COUNTER });
  }
  for (const id of WORN_SESSIONS) {
    const session = { timeoutMs: TIMEOUT_MS, hash: String(PASSWORD_HASH), sequence: 0, age: 0 };
    model.sessions.set(halvesOf(id).join(':'), { ...session, generation: GENERATION });
  }
  model.zxid = ZXID;
}

function halvesOf(id: bigint): [high: number, low: number] {
  return [Number(BigInt.asIntN(32, id >> 32n)), Number(BigInt.asIntN(32, id))];
}
