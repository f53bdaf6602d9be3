import { effectiveSettings } from '../config/describe.ts';
import { KEY_SECTIONS } from '../config/keys.ts';
import type { LoadedConfig } from '../config/load.ts';
import { configurationMarkdown } from '../config/markdown.ts';
import { formatSource } from '../config/problem.ts';
import { ExitCode } from './exit-code.ts';
import { columns, paint, printProblems, type Terminal } from './terminal.ts';

/** Prints what a server would run with; an error in it shows in the exit code. */
export function printConfig(loaded: LoadedConfig, isJson: boolean, terminal: Terminal): number {
  if (isJson) terminal.out(`${JSON.stringify(configAsJson(loaded), null, 2)}\n`);
  else {
    printSettings(loaded, terminal);
    printProblems(terminal, loaded.problems);
  }
  return loaded.config === null ? ExitCode.invocation : ExitCode.ok;
}

function configAsJson(loaded: LoadedConfig): unknown {
  return {
    valid: loaded.config !== null,
    settings: effectiveSettings(loaded).map(({ key, value, source }) => ({ key, value, source })),
    problems: loaded.problems.map(({ severity, source, key, message }) => ({
      severity,
      source: formatSource(source),
      key,
      message,
    })),
  };
}

function printSettings(loaded: LoadedConfig, terminal: Terminal): void {
  const settings = effectiveSettings(loaded);
  const lines = columns(settings.map(({ key, value, source }) => [key, value, source])).split('\n');
  let section = '';
  settings.forEach((setting, i) => {
    if (setting.section !== section) {
      section = setting.section;
      terminal.out(`${i === 0 ? '' : '\n'}${paint(terminal.outColours, 'bold', section)}\n`);
    }
    const line = lines[i] ?? '';
    const isDefault = setting.source === 'default';
    terminal.out(`${isDefault ? paint(terminal.outColours, 'dim', line) : line}\n`);
  });
}

/** Prints every key there is, for people, scripts or docs/configuration.md. */
export function printKeys(format: 'text' | 'json' | 'markdown', terminal: Terminal): void {
  if (format === 'markdown') terminal.out(configurationMarkdown());
  else if (format === 'json') terminal.out(`${JSON.stringify(KEY_SECTIONS, null, 2)}\n`);
  else for (const section of KEY_SECTIONS) printSection(section, terminal);
}

function printSection(section: (typeof KEY_SECTIONS)[number], terminal: Terminal): void {
  terminal.out(`${paint(terminal.outColours, 'bold', section.title)}\n`);
  terminal.out(
    columns(
      section.keys.map((key) => [
        `  ${key.name}`,
        key.status,
        key.defaultNote ?? key.default ?? '',
        key.reason === null ? key.help : `${key.help} (${key.reason})`,
      ]),
    ),
  );
  terminal.out('\n');
}
