import { assert } from '../base/assert.ts';
import type { Problem, Severity } from './problem.ts';
import type { Settings } from './settings.ts';

/** What the parts of a configuration are derived from, and where they leave what they find. */
export interface Derivation {
  readonly settings: Settings;
  readonly memoryBytes: number;
  readonly problems: Problem[];
  /** What keys come to whose default is not a constant, or whose value had to be adapted. */
  readonly texts: Map<string, string>;
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
  d.texts.set(key, String(min));
  return min;
}

/** A key whose type is a list of words, read as their union. */
export function wordOf<T extends string>(d: Derivation, key: string, words: readonly T[]): T {
  const text = d.settings.text(key);
  const word = words.find((candidate) => candidate === text);
  assert(word !== undefined, `${key} is one of ${words.join(', ')}`);
  return word;
}
