import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyByName } from '../config/keys.ts';
import { flagKeys } from './flags.ts';
import { runCommandLine } from './program.ts';
import { type Ran, ran } from './terminal.test-helper.ts';
import { VERSION } from './version.ts';

function run(...args: string[]): Promise<Ran> {
  return ran((terminal) => runCommandLine(args, terminal));
}

/** What `quoll config --json` says that some keys come to. */
async function effective(...args: string[]): Promise<Record<string, string>> {
  const { out } = await run('config', '--json', ...args);
  const parsed: { settings: { key: string; value: string; source: string }[] } = JSON.parse(out);
  return Object.fromEntries(
    parsed.settings
      .filter((setting) => setting.source !== 'default')
      .map((setting) => [setting.key, `${setting.value} by ${setting.source}`]),
  );
}

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'quoll-cli-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function zooCfg(text: string): string {
  const path = join(directory, 'zoo.cfg');
  writeFileSync(path, text);
  return path;
}

describe('help', () => {
  it('teaches by examples, and is no failure', async () => {
    for (const args of [['--help'], ['help', 'serve'], ['check', '--help'], ['config', '--help']]) {
      const ran = await run(...args);
      expect([args, ran.code, ran.err]).toEqual([args, 0, '']);
      expect(ran.out).toContain('Examples:');
      expect(ran.out).toContain('quoll ');
    }
  });

  it('shows itself as an error when nothing is asked for', async () => {
    const ran = await run();
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('Usage: quoll');
  });
});

describe('arguments that are wrong', () => {
  it.each([
    [['sevre'], 'Did you mean serve'],
    [['serve', '--client-prot', '1'], 'Did you mean --client-port'],
    [['serve', 'a.cfg', 'b.cfg'], 'too many arguments'],
    [['check'], 'missing required argument'],
    [['serve', '--data-dir'], 'argument missing'],
  ])('exit with 2 and say what was meant: %j', async (args, message) => {
    const ran = await run(...args);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(message);
    expect(ran.out).toBe('');
  });
});

it('prints its version', async () => {
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+/);
  expect(await run('version')).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  expect((await run('--version')).out).toBe(`${VERSION}\n`);
});

describe('flags', () => {
  it('each set a key that exists', () => {
    for (const [flag, key] of flagKeys()) {
      expect([flag, keyByName(key)?.status]).toEqual([flag, 'honoured']);
    }
  });

  it('with values set their keys', async () => {
    const args = ['--client-port', '0', '--4lw', 'ruok,mntr', '--data-dir=/x', '--tick-time', '7'];
    expect(await effective(...args)).toEqual({
      clientPort: '0 by --client-port',
      '4lw.commands.whitelist': 'ruok,mntr by --4lw',
      dataDir: '/x by --data-dir',
      tickTime: '7 by --tick-time',
    });
  });

  it('without values set theirs', async () => {
    expect(await effective('--no-sync', '--enforce-quota', '--extended-types')).toEqual({
      forceSync: 'no by --no-sync',
      enforceQuota: 'true by --enforce-quota',
      extendedTypesEnabled: 'true by --extended-types',
    });
  });

  it('may stand before the file, and -D with or without a space', async () => {
    const file = zooCfg('dataDir=/d\nmaxCnxns=1\n');
    expect(await effective('-DmaxCnxns=2', '-D', 'zookeeper.skipACL=yes', file)).toEqual({
      dataDir: `/d by ${file}:1`,
      maxCnxns: '2 by -D',
      skipACL: 'yes by -D',
    });
  });

  it('count the last time they are given', async () => {
    expect(await effective('--max-cnxns', '1', '--max-cnxns', '2')).toEqual({
      maxCnxns: '2 by --max-cnxns',
    });
  });
});

describe('quoll config', () => {
  it('prints values and sources, and problems on standard error', async () => {
    const file = zooCfg('dataDir=/d\ntickTiem=9\n');
    const ran = await run('config', file);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^dataDir +\/d +\S+zoo\.cfg:1$/m);
    expect(ran.err).toBe(
      `warning: ${file}:2: tickTiem: no such key, ignored; did you mean tickTime?\n`,
    );
  });

  it('exits with 2 when no server would start from it', async () => {
    const file = zooCfg('dataDir=/d\nserver.1=a:1:2\nserver.2=b:1:2\n');
    const ran = await run('config', file);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('cannot read /d/myid');
    const json = await run('config', '--json', file);
    expect([json.code, JSON.parse(json.out).valid, json.err]).toEqual([2, false, '']);
  });

  it('refuses a file that is none, or far too long', async () => {
    expect((await run('config', directory)).err).toContain('not a file');
    const huge = zooCfg('#'.repeat(1_048_577));
    expect((await run('config', huge)).err).toContain('longer than 1048576 bytes');
    expect((await run('config', join(directory, 'absent'))).err).toContain('no such file');
  });

  it('--keys lists every key, for people, scripts and the documentation', async () => {
    expect((await run('config', '--keys')).out).toMatch(/^ {2}snapCount +accepted +100000 /m);
    expect(JSON.parse((await run('config', '--keys', '--json')).out)).toHaveLength(11);
    expect((await run('config', '--keys', '--markdown')).out).toContain('| `snapCount` |');
  });
});

it('quoll ensemble starts nothing from arguments that make no sense', async () => {
  const ran = await run('ensemble', '--size', 'three', '--dir', join(directory, 'none'));
  expect([ran.code, ran.out]).toEqual([2, '']);
  expect(ran.err).toBe('error: --size must be a whole number from 1 to 9\n');
});

it('quoll serve starts nothing from a bad configuration', async () => {
  const ran = await run('serve', '--tick-time', 'soon', '--data-dir', join(directory, 'none'));
  expect(ran.code).toBe(2);
  expect(ran.out).toBe('');
  expect(ran.err).toContain('error: --tick-time: tickTime: "soon" won\'t do: must be');
});
