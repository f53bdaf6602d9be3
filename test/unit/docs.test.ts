import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestRun } from '../../src/entry/running-server.test-helper.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const EXAMPLES = join(ROOT, '.tmp', `docs-${process.pid}`);
const ADDRESS = 'localhost:2181';
const CLIENT = "from '../../src/entry/client.ts'";

interface Example {
  readonly name: string;
  readonly code: string;
  /** What its comments say that it prints. */
  readonly promised: readonly string[];
}

function examplesOf(document: string): Example[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  return blocks.map((code, i) => {
    const promises = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, promise = '']) => promise);
    const promised = promises.flatMap((promise) => promise.split(' → '));
    return { name: `${document.replace(/\W+/g, '-')}-${i + 1}`, code, promised };
  });
}

const examples = ['README.md', 'docs/client.md'].flatMap(examplesOf);

beforeAll(() => {
  mkdirSync(EXAMPLES, { recursive: true });
  for (const { name, code } of examples) {
    writeFileSync(join(EXAMPLES, `${name}.ts`), code.replace("from 'quoll'", CLIENT));
  }
  const config = { extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'], exclude: [] };
  writeFileSync(join(EXAMPLES, 'tsconfig.json'), JSON.stringify(config));
});
afterAll(() => rmSync(EXAMPLES, { recursive: true }));

describe('the examples in the documents', () => {
  it('are there', () => {
    expect(examples.length).toBeGreaterThan(10);
  });

  it('have the right types', async () => {
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const checked = promisify(execFile)(tsc, ['-p', join(EXAMPLES, 'tsconfig.json')]);
    await expect(checked).resolves.toMatchObject({ stdout: '' });
  });

  it.each(examples)('$name prints what it says', async ({ name, promised }) => {
    const run = await TestRun.start([]);
    const path = join(EXAMPLES, `${name}.ts`);
    const code = readFileSync(path, 'utf8');
    writeFileSync(path, code.replaceAll(ADDRESS, `127.0.0.1:${run.server.port}`));
    const printed: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
      printed.push(values.map(shown).join(' '));
    });
    try {
      await import(path);
      expect(printed).toEqual(promised);
    } finally {
      log.mockRestore();
      await run.end();
    }
  });
});

/** As Node.js prints it, as far as the examples need it. */
function shown(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return `[ ${value.map((one) => `'${one}'`).join(', ')} ]`;
}
