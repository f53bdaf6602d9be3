import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { CommandHeader, CommandKind } from './command.ts';
import { LEVEL_SUPPORTED } from './ensemble.ts';
import { fromHex, goldenCommands, goldenLine } from './testing/golden.ts';
import { Harness } from './testing/harness.ts';

const LEVELS = Array.from({ length: LEVEL_SUPPORTED }, (_, i) => i + 1);

function fileOf(level: number): string {
  return new URL(`testdata/level-${level}.txt`, import.meta.url).pathname;
}

/**
 * What a level's log came to, it comes to for ever: an ensemble replays old logs, and replicas of
 * two versions apply the same one. A log is written once, when its level is new, by
 * `QUOLL_GOLDEN_LEVEL=<level> npx vitest run src/state/golden`; one that exists is never touched.
 */
const { QUOLL_GOLDEN_LEVEL: wanted } = process.env;
if (wanted !== undefined && !existsSync(fileOf(Number(wanted)))) {
  const harness = new Harness();
  const lines = goldenCommands().map((bytes) => goldenLine(harness, bytes));
  writeFileSync(fileOf(Number(wanted)), `${lines.join('\n')}\n`);
}

describe.each(LEVELS)('the golden log of level %i', (level) => {
  const lines = readFileSync(fileOf(level), 'utf8').trim().split('\n');
  const commands = lines.map((line) => fromHex(line.split(' ')[0] as string));

  it('has commands of all kinds', () => {
    const header = new CommandHeader();
    const kinds = new Set<number>();
    for (const bytes of commands) {
      header.decode(new Reader(bytes));
      kinds.add(header.kind);
    }
    expect([...kinds].sort((a, b) => a - b)).toEqual(Object.values(CommandKind));
    expect(lines.length).toBeGreaterThan(300);
  });

  it('comes to the same outcomes and digests as ever', () => {
    const harness = new Harness();
    commands.forEach((bytes, i) => {
      expect(goldenLine(harness, bytes), `command ${i + 1}`).toBe(lines[i]);
    });
    expect(harness.data('/zookeeper/config')).toContain('server.5=zk5');
  });
});
