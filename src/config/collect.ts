import type { ConfigKey } from './key.ts';
import { CONFIG_KEYS, isFamily, keyByName, keyByProperty } from './keys.ts';
import type { Problem, Source } from './problem.ts';
import { type Setting, Settings } from './settings.ts';
import { nearest } from './suggest.ts';
import { parseValue } from './value.ts';

/** A key and a text that somebody wrote somewhere, not yet understood. */
export interface Entry {
  readonly name: string;
  readonly text: string;
  readonly source: Source;
}

interface Candidate {
  readonly key: ConfigKey;
  readonly name: string;
  readonly entry: Entry;
}

/**
 * Understands entries in rising precedence. Of several for one key only the last is judged: what
 * it overrides has no effect, so it can do no harm.
 */
export function collect(entries: readonly Entry[], problems: Problem[]): Settings {
  const winners = new Map<string, Candidate>();
  for (const entry of entries) {
    const candidate = recognise(entry);
    if (candidate === null) {
      problems.push(unknownKey(entry));
      continue;
    }
    const earlier = winners.get(candidate.name);
    if (earlier !== undefined) noteRepetition(earlier.entry, entry, problems);
    winners.set(candidate.name, candidate);
  }
  const settings = new Map<string, Setting>();
  for (const candidate of winners.values()) {
    const setting = understand(candidate, problems);
    if (setting !== null) settings.set(setting.name, setting);
  }
  return new Settings(settings);
}

/** A file spells keys its way, the JVM in its own; our command line takes both. */
function recognise(entry: Entry): Candidate | null {
  const kind = entry.source.kind;
  if (kind !== 'file' && kind !== 'flag') {
    const key = keyByProperty(entry.name);
    if (key !== undefined) return { key, name: nameOf(key, entry.name), entry };
    if (kind === 'environment') return null;
  }
  const key = keyByName(entry.name);
  return key === undefined ? null : { key, name: isFamily(key) ? entry.name : key.name, entry };
}

function nameOf(key: ConfigKey, property: string): string {
  return isFamily(key) ? property.replace(/^zookeeper\./, '') : key.name;
}

function unknownKey(entry: Entry): Problem {
  const { name, source } = entry;
  // JVM flags are full of properties that were never ZooKeeper's.
  const foreign =
    source.kind === 'environment' && !/^(zookeeper|jute|znode|quoll|readonlymode)\./.test(name);
  const hint = foreign ? null : nearestSpelling(name, source);
  return {
    severity: foreign ? 'info' : 'warning',
    source,
    key: name,
    message: `no such key, ignored${hint === null ? '' : `; did you mean ${hint}?`}`,
  };
}

function nearestSpelling(name: string, source: Source): string | null {
  const exact = CONFIG_KEYS.filter((key) => !isFamily(key));
  if (source.kind !== 'environment') {
    const plain = name.replace(/^zookeeper\./, '');
    return nearest(
      plain,
      exact.map((key) => key.name),
    );
  }
  const plain = name.replace(/^zookeeper\./, '');
  const fileOnly = keyByName(plain);
  if (fileOnly !== undefined && fileOnly.property === null) return `${plain} in zoo.cfg`;
  return nearest(
    name,
    exact.flatMap((key) => key.property ?? []),
  );
}

/** Two lines of one file about one key are a slip; two sources are how overriding works. */
function noteRepetition(earlier: Entry, later: Entry, problems: Problem[]): void {
  if (earlier.source.kind !== 'file' || later.source.kind !== 'file') return;
  // A member that vanishes from the configuration may leave two majorities behind.
  if (/^(server|group|weight)\./.test(later.name)) {
    const message = `there is another one in line ${earlier.source.line}: remove one`;
    problems.push({ severity: 'error', source: later.source, key: later.name, message });
    return;
  }
  problems.push({
    severity: 'warning',
    source: later.source,
    key: later.name,
    message: `set before in line ${earlier.source.line}; this line, the last one, counts`,
  });
}

function understand(candidate: Candidate, problems: Problem[]): Setting | null {
  const { key, name, entry } = candidate;
  const parsed = parseValue(key, entry.text);
  if (!parsed.ok) {
    problems.push(problem(entry, 'error', parsed.message));
    return null;
  }
  const setting = { key, name, text: entry.text, value: parsed.value, source: entry.source };
  judge(setting, entry, problems);
  return setting;
}

/** Says what comes of a key that is set. A key at its default asks for nothing. */
function judge(setting: Setting, entry: Entry, problems: Problem[]): void {
  const { key, text } = setting;
  if (asksForNothing(setting)) return;
  if (key.status === 'refused') {
    problems.push(problem(entry, 'error', `refused: ${key.reason ?? ''}`));
  } else if (key.status === 'accepted') {
    problems.push(problem(entry, key.notice, `has no effect: ${key.reason ?? ''}`));
  } else if (key.jvmOnly && entry.source.kind === 'file') {
    const message =
      `Quoll honours it here; ZooKeeper would ignore it in a file and wants ` +
      `-D${key.property ?? key.name}=${text}`;
    problems.push(problem(entry, 'info', message));
  }
  if (key.type.kind === 'list') noteUnknownWords(setting, entry, problems);
}

function asksForNothing(setting: Setting): boolean {
  const { key, value, text } = setting;
  if (key.harmless.includes(text)) return true;
  if (key.default === null) return text === '' && key.status !== 'honoured';
  const parsed = parseValue(key, key.default);
  return parsed.ok && String(parsed.value) === String(value);
}

function noteUnknownWords(setting: Setting, entry: Entry, problems: Problem[]): void {
  const { key, value } = setting;
  if (key.type.kind !== 'list' || key.type.words === null || !Array.isArray(value)) return;
  for (const word of value) {
    if (key.type.words.includes(word)) continue;
    const hint = nearest(word, key.type.words);
    const message =
      `${JSON.stringify(word)} is unknown and ignored` +
      (hint === null ? `; known are ${key.type.words.join(', ')}` : `; did you mean ${hint}?`);
    problems.push(problem(entry, 'warning', message));
  }
}

function problem(entry: Entry, severity: Problem['severity'], message: string): Problem {
  return { severity, source: entry.source, key: entry.name, message };
}
