import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestEnsemble } from './ensemble.test-helper.ts';
import { freePort, TestRun } from './running-server.test-helper.ts';

const ends: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function ensembleOf(...args: Parameters<typeof TestEnsemble.start>): Promise<TestEnsemble> {
  const ensemble = await TestEnsemble.start(...args);
  ends.push(() => ensemble.end());
  return ensemble;
}

async function alone(...lines: string[]): Promise<TestRun> {
  const run = await TestRun.start(['4lw.commands.whitelist=*', ...lines]);
  ends.push(() => run.end());
  return run;
}

function keyFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quoll-keys-'));
  ends.push(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'gossip.keys');
  writeFileSync(path, newKey());
  return path;
}

const newKey = (): string => `${randomBytes(32).toString('base64')}\n`;

/** Status and server of everyone that a server knows, such as `alive 1`. */
async function known(run: TestRun): Promise<string[]> {
  const [, ...lines] = (await run.word('mbrs')).trimEnd().split('\n');
  return lines.map((line) => {
    const [status, , server, , , , incarnation] = line.split('\t');
    return `${status} ${server}/${incarnation}`;
  });
}

async function untilKnown(ensemble: TestEnsemble, id: number, all: string[]): Promise<void> {
  let last: string[] = [];
  await ensemble
    .until(async () => {
      last = await known(ensemble.run(id));
      return all.every((one, i) => last[i] === one) && last.length === all.length;
    })
    .catch(() => expect(last).toEqual(all));
}

const ALL = ['alive 1/1', 'alive 2/1', 'alive 3/1'];

describe('servers of an ensemble', () => {
  it('know each other, and who has left, and who is back', async () => {
    const ensemble = await ensembleOf();
    for (const id of ensemble.ids) await untilKnown(ensemble, id, ALL);
    await ensemble.stopServer(2);
    for (const id of [1, 3]) {
      await untilKnown(ensemble, id, ['alive 1/1', 'alive 3/1', 'left 2/1']);
    }
    await ensemble.startServer(2);
    for (const id of ensemble.ids) {
      await untilKnown(ensemble, id, ['alive 1/1', 'alive 2/2', 'alive 3/1']);
    }
    expect(await ensemble.run(1).figure('gossip_members_alive')).toBe(3);
    const leader = (await ensemble.run(1).word('mbrs'))
      .split('\n')
      .find((line) => /\tleader\t/.test(line));
    expect(leader?.split('\t')[2]).toBe(String(await ensemble.leader()));
  });

  it('take no part with gossip.enabled=false, and write as well', async () => {
    const ensemble = await ensembleOf(['gossip.enabled=false']);
    expect(await ensemble.run(1).word('mbrs')).toBe('This server takes no part in gossip.\n');
    expect(await (await ensemble.run(1).client()).create('/a')).toBe(0);
  });

  it('with different keys of gossip.keyFile hear nothing of each other, until they have one', async () => {
    const [ours, theirs] = [keyFile(), keyFile()];
    const linesOf = (id: number) => [`gossip.keyFile=${id === 3 ? theirs : ours}`];
    const ensemble = await ensembleOf([], { linesOf });
    const [first, third] = [ensemble.run(1), ensemble.run(3)];
    await untilKnown(ensemble, 1, ['alive 1/1', 'alive 2/1']);
    await ensemble.until(async () => (await first.figure('gossip_dropped_packets_wrong_key')) > 0);
    expect(await known(third)).toEqual(['alive 3/1']);
    // They decide and write all the same.
    expect(await (await third.client()).create('/a')).toBe(0);
    const [key, otherKey] = [newKey(), newKey()];
    for (const path of [ours, theirs]) writeFileSync(path, `${key}${otherKey}`);
    for (const id of ensemble.ids) await ensemble.run(id).server.reload();
    for (const id of ensemble.ids) await untilKnown(ensemble, id, ALL);
  });

  it('write while another program has the port of one of them, which is told', async () => {
    const taken = createSocket('udp4');
    ends.push(() => new Promise((resolve) => taken.close(() => resolve())));
    const ensemble = await ensembleOf();
    await untilKnown(ensemble, 1, ALL);
    const port = Number(
      (/server\.2=[^:]+:\d+:(\d+)/.exec(await ensemble.run(1).word('conf')) ?? [])[1],
    );
    await ensemble.stopServer(2);
    await new Promise<void>((resolve) => taken.bind(port, '127.0.0.1', resolve));
    await ensemble.startServer(2);
    const run = ensemble.run(2);
    await run.said.times(1, 'gossip: it can not go on, and begins anew in a while');
    expect(await run.word('mbrs')).toBe('Gossip has not begun.\n');
    expect(await (await run.client()).create('/a')).toBe(0);
  });
});

describe('a server alone', () => {
  it('takes no part without gossip.port', async () => {
    expect(await (await alone()).word('mbrs')).toBe('This server takes no part in gossip.\n');
  });

  it('listens at gossip.address and gossip.port', async () => {
    const port = await freePort();
    const run = await alone(`gossip.port=${port}`, 'gossip.address=localhost');
    await expect.poll(() => run.word('mbrs')).toContain(`\tlocalhost:${port}\t`);
    expect(await known(run)).toEqual(['alive 1/1']);
  });

  it('goes beyond this machine with gossip.insecure only', async () => {
    const port = await freePort();
    const lines = [`gossip.port=${port}`, 'gossip.address=0.0.0.0'];
    await expect(alone(...lines)).rejects.toThrow('gossip.insecure=true');
    const run = await alone(...lines, 'gossip.insecure=true');
    await expect.poll(() => known(run)).toEqual(['alive 1/1']);
    expect(
      run.said.count('gossip is not encrypted: anybody who reaches its port may take part'),
    ).toBe(1);
  });
});
