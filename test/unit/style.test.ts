import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../../src/', import.meta.url).pathname;
const COLUMNS_MAX = 100;
const FILE_LINES_MAX = 500;
/** A table of cases is read from top to bottom, not searched for its structure. */
const TEST_FILE_LINES_MAX = 700;
const FUNCTION_LINES_MAX = 70;

/** What each folder may import beside itself. `testing` helpers and tests are free. */
const IMPORTS: Record<string, readonly string[]> = {
  base: [],
  protocol: ['base'],
  state: ['base', 'protocol', 'paxos'],
  paxos: ['base'],
  gossip: ['base'],
  io: ['base'],
  config: ['base', 'protocol', 'paxos'],
  storage: ['base', 'io'],
  replica: ['base', 'protocol', 'state', 'paxos', 'gossip', 'storage', 'io'],
  server: ['base', 'protocol', 'state', 'replica', 'io'],
  client: ['base', 'protocol', 'io'],
  sim: [
    'base',
    'protocol',
    'state',
    'paxos',
    'storage',
    'replica',
    'server',
    'io',
    'config',
    'entry',
  ],
  entry: [
    'base',
    'protocol',
    'state',
    'paxos',
    'gossip',
    'storage',
    'replica',
    'server',
    'io',
    'config',
    'client',
  ],
  cli: ['base', 'io', 'config', 'entry', 'storage', 'server', 'protocol'],
};

const PURE = ['base', 'protocol', 'state', 'paxos', 'gossip', 'client/core'];
const BANNED_IN_PURE =
  /\b(Date|setTimeout|setInterval|setImmediate|queueMicrotask|process|Buffer|console)\b|Math\.random|\basync\b|\bawait\b|\bPromise\b/;
const NODE_ALLOWED = ['io/node/', 'cli/', 'server/http/'];

interface Source {
  readonly name: string;
  readonly folder: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly isTest: boolean;
}

function walk(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? walk(path) : path.endsWith('.ts') ? [path] : [];
  });
}

const sources: Source[] = walk(SRC).map((path) => {
  const name = relative(SRC, path);
  const text = readFileSync(path, 'utf8');
  const isTest = /\.(test|fuzz|test-helper)\.ts$|test-fixture\.ts$|\/testing\//.test(name);
  return { name, folder: name.split('/')[0] ?? '', text, lines: text.split('\n'), isTest };
});

function imports(source: Source): string[] {
  return [...source.text.matchAll(/^(?:import|export)[^;]*?from '([^']+)'/gms)].map(
    (match) => match[1] as string,
  );
}

/** Code without comments and strings, so that words in prose are not taken for names. */
function codeOnly(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, "''");
}

function withoutStrings(line: string): string {
  return line.replace(/'(?:[^'\\]|\\.)*'|`[^`]*`?|"[^"]*"/g, "''");
}

/** Functions and methods with their lengths, by the indentation that the formatter guarantees. */
function longFunctions(source: Source): string[] {
  const found: string[] = [];
  source.lines.forEach((line, start) => {
    const opens =
      /^( *)(?:export |private |static |async |\*|get |set |override )*(?:function |[\w#]+\().*\{$/;
    const match = opens.exec(line);
    if (match === null || /^ *(if|for|while|switch|catch|describe|it|class)\b/.test(line)) return;
    const end = source.lines.indexOf(`${match[1]}}`, start);
    if (end - start > FUNCTION_LINES_MAX) found.push(`${source.name}:${start + 1}`);
  });
  return found;
}

describe('style', () => {
  it('finds the sources it is meant to judge', () => {
    expect(sources.length).toBeGreaterThan(20);
  });

  it('imports only what the layout allows', () => {
    const wrong = sources
      .filter((source) => !source.isTest)
      .flatMap((source) =>
        imports(source)
          .filter((target) => target.startsWith('.'))
          .map((target) => relative(SRC, join(SRC, source.name, '..', target)))
          .filter((target) => {
            const folder = target.split('/')[0] ?? '';
            if (target.startsWith('../')) return target !== '../package.json';
            if (target.startsWith('io/node/'))
              return !/^(io|cli)\/|^entry\/(server|client)\.ts$|^sim\/(bugs\/)?main\.ts$/.test(
                source.name,
              );
            return folder !== source.folder && !IMPORTS[source.folder]?.includes(folder);
          })
          .map((target) => `${source.name} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it('keeps node: modules at the edges', () => {
    const wrong = sources
      .filter((source) => !source.isTest)
      .filter((source) => imports(source).some((target) => target.startsWith('node:')))
      .filter((source) => !NODE_ALLOWED.some((prefix) => source.name.startsWith(prefix)));
    expect(wrong.map((source) => source.name)).toEqual([]);
  });

  it('keeps packages out of everything but the command line', () => {
    const wrong = sources
      .filter((source) => !source.isTest && source.folder !== 'cli')
      .filter((source) => imports(source).some((target) => !/^(\.|node:)/.test(target)));
    expect(wrong.map((source) => source.name)).toEqual([]);
  });

  it('keeps clocks, dice, timers and promises out of the pure folders', () => {
    const wrong = sources
      .filter(
        (source) => PURE.some((folder) => source.name.startsWith(`${folder}/`)) && !source.isTest,
      )
      .filter((source) => BANNED_IN_PURE.test(codeOnly(source.text)));
    expect(wrong.map((source) => source.name)).toEqual([]);
  });

  it('keeps lines, files and functions short', () => {
    const wide = sources.flatMap((source) =>
      source.lines.flatMap((line, i) =>
        // A string that people read stays in one piece, so that it can be searched for.
        withoutStrings(line).length > COLUMNS_MAX ? [`${source.name}:${i + 1}`] : [],
      ),
    );
    const long = sources.filter(
      ({ lines, isTest }) => lines.length > (isTest ? TEST_FILE_LINES_MAX : FILE_LINES_MAX),
    );
    expect(wide).toEqual([]);
    expect(long.map((source) => source.name)).toEqual([]);
    expect(sources.filter((source) => !source.isTest).flatMap(longFunctions)).toEqual([]);
  });

  it('leaves nothing half done', () => {
    const words = /\b(TODO|FIXME|XXX|HACK)\b|\b(it|test|describe)\.(only|skip|todo)\(/;
    const printing = /\bconsole\.log\b/;
    const wrong = sources.filter(
      (source) => words.test(source.text) || (!source.isTest && printing.test(source.text)),
    );
    expect(wrong.map((source) => source.name)).toEqual([]);
  });

  it('has no file that nothing imports', () => {
    const roots = /^(cli\/main|entry\/.*|sim\/(bugs\/)?main)\.ts$/;
    const targets = new Set(
      sources.flatMap((source) =>
        [...source.text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
          relative(SRC, join(SRC, source.name, '..', match[1] as string)),
        ),
      ),
    );
    const dead = sources.filter(
      (source) => !source.isTest && !roots.test(source.name) && !targets.has(source.name),
    );
    expect(dead.map((source) => source.name)).toEqual([]);
  });
});
