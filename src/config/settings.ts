import { assert } from '../base/assert.ts';
import type { ConfigKey } from './key.ts';
import { keyByName } from './keys.ts';
import type { Source } from './problem.ts';
import { parseValue, type Value } from './value.ts';

/** One key that somebody set, understood. */
export interface Setting {
  readonly key: ConfigKey;
  /** In zoo.cfg's spelling: the key's name, or the member of its family. */
  readonly name: string;
  readonly text: string;
  readonly value: Value;
  readonly source: Source;
}

const DEFAULT: Source = { kind: 'default' };

/** What holds for every key, whether somebody set it or not. */
export class Settings {
  private readonly byName: ReadonlyMap<string, Setting>;

  constructor(byName: ReadonlyMap<string, Setting>) {
    this.byName = byName;
  }

  /** Undefined: nobody set it. */
  get(name: string): Setting | undefined {
    return this.byName.get(name);
  }

  all(): Iterable<Setting> {
    return this.byName.values();
  }

  sourceOf(name: string): Source {
    return this.byName.get(name)?.source ?? DEFAULT;
  }

  number(name: string): number {
    const value = this.value(name);
    assert(typeof value === 'number', `${name} has a number`);
    return value;
  }

  boolean(name: string): boolean {
    const value = this.value(name);
    assert(typeof value === 'boolean', `${name} has a boolean`);
    return value;
  }

  words(name: string): readonly string[] {
    const value = this.value(name);
    assert(Array.isArray(value), `${name} has a list`);
    return value;
  }

  /** Undefined also when the text is empty. */
  text(name: string): string | undefined {
    const value = this.value(name);
    assert(value === undefined || typeof value === 'string', `${name} has a text`);
    return value === '' ? undefined : value;
  }

  private value(name: string): Value | undefined {
    const setting = this.byName.get(name);
    return setting === undefined ? defaultValue(name) : setting.value;
  }
}

function defaultValue(name: string): Value | undefined {
  const key = keyByName(name);
  assert(key !== undefined, `${name} is in the table`);
  if (key.default === null) return undefined;
  const parsed = parseValue(key, key.default);
  assert(parsed.ok, `the default of ${name} is allowed`);
  return parsed.value;
}
