import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandKind } from './command.ts';
import { StateLoader } from './loader.ts';
import { Verdict } from './outcome.ts';
import { commandOf, encodePlain, type Intent, intent } from './testing/arbitraries.ts';
import { dumpModel, dumpState } from './testing/dump.ts';
import { copyByImage, Harness, type Result } from './testing/harness.ts';
import { Model } from './testing/model.ts';
import type { PlainCommand } from './testing/model-parts.ts';

/** Every property starts with two open sessions, so that most writes mean something. */
const OPENINGS: readonly Partial<Intent>[] = [1, 2].map((session) => ({
  kind: CommandKind.openSession,
  session,
}));
const SOUND: Intent = {
  kind: CommandKind.write,
  session: 1,
  flags: 0,
  waitMs: 0,
  identities: [],
  write: { opcode: 1, path: '/a', data: '' },
  path: '/a',
  skew: 0,
  age: 0,
  goodPassword: true,
  quarters: 0,
};

/** Every code that apply can give, -127 standing for those of `reject`. */
const ALL_CODES = [0, -5, -6, -8, -101, -102, -103, -108, -110, -111, -112, -114, -118, -123, -125];
ALL_CODES.push(-127);

class Pair {
  readonly harness = new Harness();
  readonly model = new Model();
  /** Commands that were run, for a second state. */
  readonly log: Uint8Array[] = [];

  constructor() {
    for (const opening of OPENINGS) this.run({ ...SOUND, ...opening });
    for (const path of ['/a', '/zookeeper/quota/a', '/zookeeper/quota/a/zookeeper_stats']) {
      this.run({ ...SOUND, write: { opcode: 1, path, data: '' } });
    }
    const limits = 'count=2,bytes=-1=;byteHardLimit=40;countHardLimit=4';
    const path = '/zookeeper/quota/a/zookeeper_limits';
    this.run({ ...SOUND, write: { opcode: 1, path, data: limits } });
  }

  run(intended: Intent): Result {
    const command = commandOf(intended, this.model);
    const bytes = encodePlain(command);
    this.log.push(bytes);
    const result = this.harness.apply(bytes);
    this.compare(command, result);
    return result;
  }

  private compare(command: PlainCommand, result: Result): void {
    const expected = this.model.apply(command);
    expect(result, JSON.stringify(command)).toEqual(expected);
  }

  /** Moves every counter that can wrap to just below its end, on both sides. */
  moveNearWraps(): void {
    const { state } = this.harness;
    const { tree } = state;
    const near = 2 ** 31 - 2;
    for (const path of ['/', '/a', '/zookeeper/quota/a']) {
      const bytes = new TextEncoder().encode(path);
      const row = state.find(bytes, 0, bytes.length);
      tree.setVersion(row, near);
      tree.setCversion(row, near);
      tree.setAversion(row, near);
      Object.assign(this.model.node(path), { version: near, cversion: near, aversion: near });
    }
    tree.settle();
    state.zxid = 5 * 2 ** 32 - 3;
    this.model.zxid = state.zxid;
  }
}

const intents = fc.array(intent, { minLength: 1, maxLength: 60, size: 'max' });

describe('apply against the model', () => {
  it('agrees on every outcome and on all that is left', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(intents, (sequence) => {
        const pair = new Pair();
        for (const intended of sequence) seen.add(pair.run(intended).error);
        expect(dumpState(pair.harness.state)).toEqual(dumpModel(pair.model));
      }),
      { numRuns: 500 },
    );
    // Without this the property could pass because nothing much ever happened.
    expect([...seen].sort((a, b) => b - a)).toEqual(ALL_CODES);
  });

  it('agrees from counters that are about to wrap', () => {
    fc.assert(
      fc.property(intents, (sequence) => {
        const pair = new Pair();
        pair.moveNearWraps();
        for (const intended of sequence) pair.run(intended);
        expect(dumpState(pair.harness.state)).toEqual(dumpModel(pair.model));
      }),
      { numRuns: 200 },
    );
  });
});

describe('an image', () => {
  it('taken while commands go on, with the later commands, is the state itself', () => {
    fc.assert(
      fc.property(intents, intents, intents, (before, during, after) => {
        const pair = new Pair();
        for (const intended of before) pair.run(intended);
        const image = pair.harness.state.beginImage();
        const atImage = pair.log.length;
        const digestAtImage = pair.harness.digest;
        const loader = new StateLoader({ seed: [7, 8] });
        for (const intended of during) {
          pair.run(intended);
          const slice = image.next(4_096);
          if (slice !== null) loader.accept(slice.slice());
        }
        for (let slice = image.next(4_096); slice !== null; slice = image.next(4_096)) {
          loader.accept(slice.slice());
        }
        const copy = new Harness(loader.finish());
        expect(copy.digest).toBe(digestAtImage);
        const replayed = pair.log.slice(atImage).map((bytes) => copy.apply(bytes));
        expect(copy.digest).toBe(pair.harness.digest);
        expect(dumpState(copy.state)).toEqual(dumpState(pair.harness.state));
        for (const intended of after) {
          const result = pair.run(intended);
          expect(copy.apply(pair.log.at(-1) as Uint8Array)).toEqual(result);
          expect(copy.digest).toBe(pair.harness.digest);
        }
        expect(replayed.length).toBe(during.length);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a multi that fails', () => {
  it('leaves nothing behind but its zxid and its number', () => {
    fc.assert(
      fc.property(intents, intents, (before, attempts) => {
        const pair = new Pair();
        for (const intended of before) pair.run({ ...intended, kind: CommandKind.write });
        const { state } = pair.harness;
        for (const intended of attempts) {
          const ops = [...(intended.write.ops ?? [intended.write])];
          const failing = { opcode: 13, path: '/a/nowhere', version: 0 };
          const write = { opcode: 14, ops: [...ops, failing] };
          const nodes = (): string[] => dumpState(state).filter((line) => /^node|^eph/.test(line));
          const dump = nodes();
          const { digestHigh, digestLow } = state.tree;
          const acls = [state.acls.size, state.acls.digest.high, state.acls.digest.low];
          const result = pair.run({ ...intended, kind: CommandKind.write, write });
          if (result.verdict !== Verdict.applied) continue;
          expect(result.changes).toEqual([]);
          expect(nodes()).toEqual(dump);
          expect([state.tree.digestHigh, state.tree.digestLow]).toEqual([digestHigh, digestLow]);
          expect([state.acls.size, state.acls.digest.high, state.acls.digest.low]).toEqual(acls);
        }
        expect(dumpState(copyByImage(state))).toEqual(dumpState(state));
      }),
      { numRuns: 100 },
    );
  });
});
