import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ServerProcess } from './ensemble.ts';
import { processEnsembleHost } from './ensemble-host.ts';

const directory = mkdtempSync(join(tmpdir(), 'quoll-ensemble-'));
const terminal = { out: () => {}, err: () => {}, outColours: false, errColours: false };

afterAll(() => rmSync(directory, { recursive: true }));

/** A server as a script, so that the test needs no build. */
function start(script: string): ServerProcess {
  const path = join(directory, 'server.mjs');
  writeFileSync(path, script);
  return processEnsembleHost(terminal, [path]).startServer('zoo.cfg');
}

function exitOf(server: ServerProcess): Promise<number | null> {
  return new Promise((resolve) => server.onExit(resolve));
}

describe('a server process', () => {
  it('is run with its configuration, and its lines are told one by one', async () => {
    const server = start(
      "console.log(process.argv.slice(2).join(' ')); console.error('a\\nb'); process.exitCode = 3;",
    );
    const lines: string[] = [];
    server.onOutput((line) => lines.push(`out ${line}`));
    server.onLog((line) => lines.push(`err ${line}`));
    expect(await exitOf(server)).toBe(3);
    expect(lines.sort()).toEqual(['err a', 'err b', 'out serve zoo.cfg']);
  });

  it('is asked to stop by SIGTERM', async () => {
    const server = start(
      "process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 9e5); console.log('up');",
    );
    server.onOutput(() => server.stop());
    expect(await exitOf(server)).toBe(7);
  });

  it('has a channel by which it learns that its parent is gone', async () => {
    const server = start('process.exitCode = process.connected ? 5 : 6;');
    expect(await exitOf(server)).toBe(5);
  });
});

it('files are made with their directories, and absent ones are none', () => {
  const { files } = processEnsembleHost(terminal, []);
  const path = join(directory, 'x', 'y', 'zoo.cfg');
  expect(files.read(path)).toBeNull();
  files.write(path, 'text');
  expect([files.read(path), existsSync(join(directory, 'x', 'y'))]).toEqual(['text', true]);
  expect(() => files.read(directory)).toThrow('EISDIR');
});
