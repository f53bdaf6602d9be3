import { type ConfigSources, type FlagSetting, type LoadedConfig, loadConfig } from './load.ts';
import { formatProblem, type Severity } from './problem.ts';
import type { ServerConfig } from './server-config.ts';

export const GIB: number = 1024 ** 3;

export interface Given {
  readonly file?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly definitions?: readonly string[];
  readonly flags?: readonly FlagSetting[];
  readonly memoryBytes?: number;
}

export function load(given: Given): LoadedConfig {
  const files: Record<string, string> = { ...given.files };
  if (given.file !== undefined) files['zoo.cfg'] = given.file;
  const sources: ConfigSources = {
    file: given.file === undefined ? null : 'zoo.cfg',
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error('no such file');
      return text;
    },
    environment: given.environment ?? {},
    definitions: given.definitions ?? [],
    flags: given.flags ?? [],
    memoryBytes: given.memoryBytes ?? 4 * GIB,
  };
  return loadConfig(sources);
}

/** The configuration of a zoo.cfg that has a dataDir and these lines. */
export function configOf(...lines: string[]): ServerConfig {
  const loaded = load({ file: ['dataDir=/d', ...lines].join('\n') });
  if (loaded.config === null) throw new Error(messages(loaded, 'error').join('\n'));
  return loaded.config;
}

export function messages(loaded: LoadedConfig, severity?: Severity): string[] {
  return loaded.problems
    .filter((problem) => severity === undefined || problem.severity === severity)
    .map(formatProblem);
}

export function errorsOf(...lines: string[]): string[] {
  return messages(load({ file: ['dataDir=/d', ...lines].join('\n') }), 'error');
}

export function warningsOf(...lines: string[]): string[] {
  return messages(load({ file: ['dataDir=/d', ...lines].join('\n') }), 'warning');
}
