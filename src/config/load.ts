import { parseProperties } from '../base/properties.ts';
import { collect, type Entry } from './collect.ts';
import type { DerivedText } from './derivation.ts';
import { type Derived, deriveConfig } from './derive.ts';
import { parseJvmFlags, splitDefine } from './jvm-flags.ts';
import type { Problem, Source } from './problem.ts';
import type { ServerConfig } from './server-config.ts';
import type { Settings } from './settings.ts';

/** Everything that a configuration is made of, weakest first. */
export interface ConfigSources {
  /** Path of zoo.cfg; null: there is none. */
  readonly file: string | null;
  /** Reads a text file, or throws an Error that says why it can't. */
  readonly readFile: (path: string) => string;
  /** Where SERVER_JVMFLAGS and JVMFLAGS are looked for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What stood behind each -D of our command line. */
  readonly definitions: readonly string[];
  readonly flags: readonly FlagSetting[];
  /** Memory of the machine or its cgroup, which some defaults are a share of. */
  readonly memoryBytes: number;
}

export interface FlagSetting {
  /** As it was typed, with its dashes. */
  readonly flag: string;
  /** The key that it sets, as zoo.cfg spells it. */
  readonly key: string;
  readonly text: string;
}

export interface LoadedConfig {
  /** Null when a problem is an error. */
  readonly config: ServerConfig | null;
  readonly settings: Settings;
  /** What keys come to whose default is not a constant, or whose value had to be adapted. */
  readonly derived: ReadonlyMap<string, DerivedText>;
  readonly problems: readonly Problem[];
}

/** zkServer.sh puts the second behind the first, and the JVM lets the last one win. */
const VARIABLES = ['SERVER_JVMFLAGS', 'JVMFLAGS'];

const DYNAMIC_KEYS = /^(server\.|group|weight)/;

/** Flags win over -D, which win over the environment, the file and the defaults. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: Problem[] = [];
  const entries = [
    ...(sources.file === null ? withoutFile() : fileEntries(sources, sources.file, problems)),
    ...VARIABLES.flatMap((name) => environmentEntries(name, sources.environment[name], problems)),
    ...sources.definitions.map(definitionEntry),
    ...sources.flags.map(flagEntry),
  ];
  const settings = collect(entries, problems);
  const derived: Derived = deriveConfig(settings, sources, problems);
  const failed = problems.some((problem) => problem.severity === 'error');
  return {
    config: failed ? null : derived.config,
    settings,
    derived: derived.derived,
    problems,
  };
}

/** Whoever only tries Quoll out serves nobody else, and finds the data where they stand. */
function withoutFile(): Entry[] {
  const source: Source = { kind: 'default' };
  return [
    { name: 'clientPortAddress', text: '127.0.0.1', source },
    { name: 'dataDir', text: './quoll-data', source },
  ];
}

function fileEntries(sources: ConfigSources, path: string, problems: Problem[]): Entry[] {
  const entries = readEntries(sources, path, null, problems);
  if (entries === null) return withoutFile();
  const dynamic = entries.findLast((entry) => entry.name === 'dynamicConfigFile');
  if (dynamic === undefined || dynamic.text === '') return entries;
  for (const entry of entries) {
    if (!DYNAMIC_KEYS.test(entry.name)) continue;
    const message = `must move to ${dynamic.text}, which dynamicConfigFile names`;
    problems.push({ severity: 'error', source: entry.source, key: entry.name, message });
  }
  const members = readEntries(sources, dynamic.text, dynamic, problems) ?? [];
  for (const entry of members) {
    if (DYNAMIC_KEYS.test(entry.name)) continue;
    const message = 'a dynamic file holds server, group and weight lines only: move it to zoo.cfg';
    problems.push({ severity: 'error', source: entry.source, key: entry.name, message });
  }
  return [...entries, ...members.filter((entry) => DYNAMIC_KEYS.test(entry.name))];
}

/** Null when the file can't be read. */
function readEntries(
  sources: ConfigSources,
  path: string,
  namedBy: Entry | null,
  problems: Problem[],
): Entry[] | null {
  let text: string;
  try {
    text = sources.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const source: Source = namedBy?.source ?? { kind: 'default' };
    const message = `cannot read the configuration file ${path}: ${reason}`;
    problems.push({ severity: 'error', source, key: namedBy?.name ?? null, message });
    return null;
  }
  const { lines, errors } = parseProperties(text);
  for (const { line, message } of errors) {
    const source: Source = { kind: 'file', path, line };
    problems.push({ severity: 'error', source, key: null, message });
  }
  return lines.map(({ line, key, value }) => ({
    name: key,
    text: value,
    source: { kind: 'file', path, line },
  }));
}

function environmentEntries(
  variable: string,
  text: string | undefined,
  problems: Problem[],
): Entry[] {
  if (text === undefined) return [];
  const source: Source = { kind: 'environment', variable };
  const flags = parseJvmFlags(text);
  if (flags.error !== null) {
    problems.push({ severity: 'error', source, key: null, message: flags.error });
  }
  if (flags.ignored.length > 0) {
    const message = `ignored, for there is no JVM: ${flags.ignored.join(' ')}`;
    problems.push({ severity: 'info', source, key: null, message });
  }
  return flags.properties.map(({ name, value }) => ({ name, text: value, source }));
}

function definitionEntry(definition: string): Entry {
  const { name, value } = splitDefine(definition);
  return { name, text: value, source: { kind: 'property' } };
}

function flagEntry({ flag, key, text }: FlagSetting): Entry {
  return { name: key, text, source: { kind: 'flag', flag } };
}
