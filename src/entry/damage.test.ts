import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../io/logger.ts';
import { Err, Op } from '../protocol/constants.ts';
import { setBody } from '../server/server.test-helper.ts';
import type { ScrubbedDamage } from '../storage/types.ts';
import { dealWithDamage } from './damage.ts';
import { TestRun } from './running-server.test-helper.ts';

/** What is done about damage, one after the other. */
function done(hasPeers: boolean, ...damages: Partial<ScrubbedDamage>[]): string[] {
  const all: string[] = [];
  const repaired = new Set<string>();
  const logger = { ...silentLogger, error: () => all.push('said') };
  for (const damage of damages) {
    dealWithDamage(
      { kind: 'log', file: 'f', slot: 12, message: 'bad checksum', ...damage },
      {
        logger,
        hasPeers,
        snapshotSlot: () => 10,
        writeSnapshot: () => all.push('snapshot'),
        repair: () => all.push('repair'),
        repaired,
      },
    );
  }
  return all;
}

describe('damage that a running server finds', () => {
  it('in a snapshot is made up for by another one, whoever it is', () => {
    for (const hasPeers of [false, true]) {
      expect(done(hasPeers, { kind: 'snapshot', slot: 10 })).toEqual(['said', 'snapshot']);
    }
  });

  it('in the log of a member is repaired by the others, in the next life', () => {
    expect(done(true, {})).toEqual(['said', 'repair']);
    expect(done(true, { slot: -1 })).toEqual(['said', 'repair']);
  });

  it('in the log does not begin one life after the other when it stays', () => {
    expect(done(true, {}, {}, { file: 'g' })).toEqual(['said', 'repair', 'said', 'said', 'repair']);
  });

  it('in the log of a server alone is made up for by a snapshot of what is in memory', () => {
    expect(done(false, {})).toEqual(['said', 'snapshot']);
  });

  it('in the log before a snapshot takes nothing but a word', () => {
    for (const hasPeers of [false, true]) expect(done(hasPeers, { slot: 10 })).toEqual(['said']);
  });

  it('is looked for, and a damaged snapshot is written anew', async () => {
    const lines = ['snapSizeLimitInKb=1'];
    const run = await TestRun.start(lines);
    const client = await run.client();
    expect(await client.create('/a')).toBe(Err.ok);
    for (let i = 1; i <= 2; i++) {
      await client.call(Op.setData, setBody('/a', 'x'.repeat(2_000)));
      await run.said.times(i, 'snapshot written');
    }
    await run.end(true);
    const directory = `${run.directory}/data/quoll/snapshots`;
    const [oldest = ''] = readdirSync(directory).sort();
    const bytes = readFileSync(`${directory}/${oldest}`);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] as number) ^ 1;
    writeFileSync(`${directory}/${oldest}`, bytes);
    const again = await TestRun.start(lines, { directory: run.directory });
    await again.said.times(1, 'a snapshot is damaged: another one is written; check the disk');
    await again.said.times(1, 'snapshot written');
    await again.end();
  });
});
