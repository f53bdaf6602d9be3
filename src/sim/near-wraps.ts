import { utf8Encode } from '../base/utf8.ts';
import type { State } from '../state/state.ts';
import type { Model } from '../state/testing/model.ts';

/** Znodes whose counters are about to wrap; workloads write to each. */
export const WRAPPING: readonly string[] = ['/', '/zookeeper', '/zookeeper/quota'];

/** A few writes before an epoch has no counter left, and more than one run has. */
const ZXID = 3 * 2 ** 32 - 40;
const COUNTER = 2 ** 31 - 10;

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
  state.zxid = ZXID;
}

/** The same for the model that the servers are compared with. */
export function moveModelNearWraps(model: Model): void {
  for (const path of WRAPPING) {
    Object.assign(model.node(path), { version: COUNTER, cversion: COUNTER });
  }
  model.zxid = ZXID;
}
