import type { Model } from '../state/testing/model.ts';
import { checkAnswers } from './checkers/answers.ts';
import { checkConfigurations } from './checkers/configurations.ts';
import { checkConvergence, type Standing } from './checkers/convergence.ts';
import { checkEphemerals } from './checkers/ephemerals.ts';
import { checkExactlyOnce } from './checkers/exactly-once.ts';
import { checkExpiry } from './checkers/expiry.ts';
import { checkLevels } from './checkers/levels.ts';
import { checkLocks } from './checkers/locks.ts';
import { checkGhosts, checkPings } from './checkers/pings.ts';
import { checkRealTime, checkSync } from './checkers/real-time.ts';
import { checkRegisters } from './checkers/registers.ts';
import { checkWriteReplies, ReadReplies } from './checkers/replies.ts';
import { checkSessionOrder, checkZxids } from './checkers/session-order.ts';
import { checkSilence } from './checkers/silence.ts';
import { checkWatches } from './checkers/watches.ts';
import type { DecidedLog } from './decided.ts';
import { replayed } from './evidence.ts';
import type { History } from './history.ts';

/** How long a server that hears the others may lag behind what is decided. */
const LAG_US = 400_000;

/** What the checkers have to know of a run. */
export interface Terms {
  /** There is one server, which no read can find lagging. */
  readonly isAlone: boolean;
  readonly nearWraps: boolean;
  readonly standings: readonly Standing[];
  /** Of the versions that run, and have run together for long enough; empty if they have not. */
  readonly runningLevels: readonly number[];
  /** When it ended, and for how long nothing had been wrong any more. */
  readonly endUs: number;
  readonly quietUs: number;
}

/** Everything that is wrong with what clients saw, given what was agreed. */
export function check(history: History, decided: DecidedLog, terms: Terms): string[] {
  const { endUs, quietUs } = terms;
  const reads = new ReadReplies(history);
  let last: Model | null = null;
  const visit = (model: Model): void => {
    reads.visit(model);
    last = model;
  };
  const log = replayed(decided.entries, visit, terms.nearWraps);
  const members = membersIn(last);
  const evidence = { history, log };
  return [
    ...named('replies', [...reads.finish(), ...checkWriteReplies(evidence)]),
    ...named('real time', [...checkRealTime(evidence), ...checkSync(evidence)]),
    ...named('session order', [...checkSessionOrder(evidence), ...checkZxids(evidence)]),
    ...named('registers', checkRegisters(evidence, terms.isAlone)),
    ...named('exactly once', checkExactlyOnce(evidence)),
    ...named('ephemerals', checkEphemerals(evidence)),
    ...named('answers', checkAnswers(history, endUs, quietUs)),
    ...named('silence', checkSilence(evidence, endUs, quietUs)),
    ...named('expiry', checkExpiry(evidence, terms.isAlone)),
    ...named('pings', [...checkPings(evidence, LAG_US), ...checkGhosts(evidence, LAG_US)]),
    ...named('locks', checkLocks(evidence)),
    ...named('watches', checkWatches(evidence)),
    ...named('configurations', checkConfigurations(evidence)),
    ...named('levels', checkLevels(evidence, terms.runningLevels)),
    ...named('convergence', checkConvergence(decided, members, terms.standings, endUs - LAG_US)),
  ];
}

/** So that a report says which checker has found it. */
function named(checker: string, breaches: readonly string[]): string[] {
  return breaches.map((breach) => `${checker}: ${breach}`);
}

/** By the text that every client can read. */
function membersIn(model: Model | null): Set<number> {
  const text = model?.nodes.get('/zookeeper/config')?.data ?? '';
  return new Set([...text.matchAll(/^server\.(\d+)=/gm)].map(([, id]) => Number(id)));
}
