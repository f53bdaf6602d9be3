import { describe, expect, it } from 'vitest';
import { Names } from './names.ts';

interface Question {
  readonly name: string;
  readonly done: (address: string | null) => void;
}

function world() {
  const questions: Question[] = [];
  const clock = { ms: 0 };
  const names = new Names(
    (name, done) => questions.push({ name, done }),
    () => clock.ms,
  );
  return { names, questions, clock };
}

describe('names', () => {
  it('are no question for an address', () => {
    const { names, questions } = world();
    expect(names.addressOf('10.0.0.1')).toBe('10.0.0.1');
    expect(names.addressOf('::1')).toBe('::1');
    expect(questions).toEqual([]);
  });

  it('are asked for behind the back of who sends, one at a time', () => {
    const { names, questions } = world();
    expect([names.addressOf('a'), names.addressOf('b'), names.addressOf('a')]).toEqual([
      null,
      null,
      null,
    ]);
    expect(questions.map(({ name }) => name)).toEqual(['a']);
    questions[0]?.done('1.1.1.1');
    expect(questions.map(({ name }) => name)).toEqual(['a', 'b']);
    questions[1]?.done('2.2.2.2');
    expect([names.addressOf('a'), names.addressOf('b')]).toEqual(['1.1.1.1', '2.2.2.2']);
    expect(questions).toHaveLength(2);
  });

  it('are asked for again after a while, and keep their address until another one is known', () => {
    const { names, questions, clock } = world();
    names.addressOf('a');
    questions[0]?.done('1.1.1.1');
    clock.ms = 30_000;
    expect(names.addressOf('a')).toBe('1.1.1.1');
    questions[1]?.done(null);
    expect(names.addressOf('a')).toBe('1.1.1.1');
    clock.ms = 60_000;
    names.addressOf('a');
    questions[2]?.done('3.3.3.3');
    expect(names.addressOf('a')).toBe('3.3.3.3');
  });

  it('that led nowhere are asked for again soon', () => {
    const { names, questions, clock } = world();
    names.addressOf('a');
    questions[0]?.done(null);
    clock.ms = 999;
    expect([names.addressOf('a'), questions.length]).toEqual([null, 1]);
    clock.ms = 1_000;
    names.addressOf('a');
    questions[1]?.done('1.1.1.1');
    expect(names.addressOf('a')).toBe('1.1.1.1');
  });

  it('are forgotten when too many are known', () => {
    const { names, questions } = world();
    names.addressOf('first');
    questions[0]?.done('1.1.1.1');
    for (let i = 0; i < 5_000; i++) {
      names.addressOf(`other${i}`);
      questions.at(-1)?.done(null);
    }
    expect(names.addressOf('first')).toBeNull();
  });
});
