import { assert } from '../base/assert.ts';
import type { Problem, Severity, Source } from './problem.ts';
import type { Settings } from './settings.ts';

/** What the parts of a configuration are derived from, and where they leave what they find. */
export interface Derivation {
  readonly settings: Settings;
  readonly memoryBytes: number;
  /** Throws an Error that says why a file can't be read. */
  readonly readFile: (path: string) => string;
  readonly problems: Problem[];
  /** What keys come to whose default is not a constant, or whose value had to be adapted. */
  readonly derived: Map<string, DerivedText>;
}

export interface DerivedText {
  readonly text: string;
  /** Null: wherever the key itself is set. */
  readonly source: Source | null;
}

export function noteDerived(
  d: Derivation,
  key: string,
  text: string,
  source: Source | null = null,
): void {
  d.derived.set(key, { text, source });
}

/** Reports something about a key at the place where it is set. */
export function report(d: Derivation, severity: Severity, key: string, message: string): void {
  d.problems.push({ severity, source: d.settings.sourceOf(key), key, message });
}

/** A value below the least that makes sense becomes the least, and whoever set it is told. */
export function raised(d: Derivation, key: string, min: number): number {
  const value = d.settings.number(key);
  if (value >= min) return value;
  report(d, 'warning', key, `${value} is too few: ${min} it is`);
  noteDerived(d, key, String(min));
  return min;
}

/** A key that allows certain words only, typed as their union. */
export function wordOf<T extends string>(d: Derivation, key: string, words: readonly T[]): T {
  const text = d.settings.text(key);
  const word = words.find((candidate) => candidate === text);
  assert(word !== undefined, `${key} is one of ${words.join(', ')}`);
  return word;
}
