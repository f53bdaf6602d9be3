import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NodeDisk } from '../io/node/disk.ts';
import { append, recover, snapshotAtTail } from '../storage/test-fixture.ts';
import { type CheckArguments, runCheck } from './check.ts';
import { explain } from './exit-code.ts';
import { type Ran, ran } from './terminal.test-helper.ts';

const BODIES = Array.from({ length: 40 }, (_, i) => new Uint8Array(700).fill(i + 1));

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quoll-check-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function run(options: CheckArguments = {}): Promise<Ran> {
  return ran((terminal) => runCheck(directory, options, terminal));
}

/** A log of several segments. */
async function fill(dataLogDir?: string): Promise<void> {
  const place = { dataDir: directory, ...(dataLogDir === undefined ? {} : { dataLogDir }) };
  const { storage } = await recover(new NodeDisk(), place);
  for (const body of BODIES) await append(storage, [body]);
  await storage.close();
}

function segments(): string[] {
  const log = join(directory, 'quoll', 'log');
  return readdirSync(log)
    .filter((name) => name.endsWith('.qlog'))
    .sort()
    .map((name) => join(log, name));
}

/** Flips one bit of a body in the second segment: later segments stand, so it is no torn end. */
function damage(): void {
  const path = segments()[1];
  if (path === undefined) throw new Error('too few segments');
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(2000) ^ 1, 2000);
  writeFileSync(path, bytes);
}

it('finds a directory whole that nothing has happened to', async () => {
  await fill();
  const ran = await run();
  expect(ran.out).toMatch(/: whole\n.*snapshots +none\n +log +\d+ segments, slots 1 to 40\n/s);
  expect([ran.code, ran.err]).toEqual([0, '']);
});

it('describes snapshots, as JSON too', async () => {
  const { storage } = await recover(new NodeDisk(), { dataDir: directory });
  await append(storage, BODIES.slice(0, 3));
  await snapshotAtTail(storage, new Uint8Array(5000));
  await storage.close();
  expect((await run()).out).toContain('1, the newest at slot 3 (zxid 0x3)');
  const json: Record<string, unknown> = JSON.parse((await run({ json: true })).out);
  expect(json).toMatchObject({
    whole: true,
    clusterId: 'c1'.repeat(16),
    replicaId: '1d'.repeat(16),
    lastSlot: 3,
    snapshots: [{ slot: 3, zxid: '0x3' }],
    problems: [],
  });
});

it('names damage, its place and what to do, and exits with 3', async () => {
  await fill();
  damage();
  const ran = await run();
  expect(ran.code).toBe(3);
  expect(ran.out).toContain(': damaged\n');
  expect(ran.out).toMatch(/damage: \S+\.qlog, byte \d+: .*--accept-loss/);
  const json: { whole: boolean; problems: unknown[] } = JSON.parse((await run({ json: true })).out);
  expect(json.whole).toBe(false);
  expect(json.problems).not.toEqual([]);
});

it('changes nothing unless told to', async () => {
  await fill();
  damage();
  const before = segments().map((path) => readFileSync(path).toString('latin1'));
  await run();
  await run({ json: true });
  expect(segments().map((path) => readFileSync(path).toString('latin1'))).toEqual(before);
});

it('cuts at the damage when the loss is accepted, and keeps what it cuts', async () => {
  await fill();
  damage();
  const ran = await run({ acceptLoss: true });
  expect(ran.code).toBe(0);
  expect(ran.out).toContain(': whole\n');
  const kept = [...ran.out.matchAll(/cut off, kept in (\S+)/g)].map((match) => match[1] ?? '');
  expect(kept.length).toBeGreaterThan(0);
  for (const file of kept) expect(readFileSync(file).length).toBeGreaterThan(0);
  const { storage, entries } = await recover(new NodeDisk(), { dataDir: directory });
  await storage.close();
  expect(entries.length).toBeGreaterThan(0);
  expect(entries.length).toBeLessThan(BODIES.length);
});

it('tells of a member that lost entries and does not vote, until the loss is accepted', async () => {
  await fill();
  damage();
  const { storage } = await recover(new NodeDisk(), { dataDir: directory, repair: true });
  await storage.close();
  const told = await run();
  expect([told.code, told.out]).toEqual([3, expect.stringMatching(/damaged\n.*does not vote/s)]);
  expect(JSON.parse((await run({ json: true })).out)).toMatchObject({
    whole: false,
    entriesMissing: true,
  });
  expect((await run({ acceptLoss: true })).code).toBe(0);
  expect((await run()).code).toBe(0);
});

it('accepts no loss where there is none', async () => {
  await fill();
  const before = readdirSync(join(directory, 'quoll', 'log'));
  expect((await run({ acceptLoss: true })).code).toBe(0);
  expect(readdirSync(join(directory, 'quoll', 'log'))).toEqual(before);
});

it('does not take a log that is kept elsewhere for a lost one', async () => {
  const elsewhere = join(directory, 'elsewhere');
  mkdirSync(elsewhere);
  await fill(elsewhere);
  const wrong = await run({ acceptLoss: true });
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('--data-log-dir');
  expect((await run({ dataLogDir: elsewhere })).out).toContain('slots 1 to 40');
});

it('does not make a directory of Quoll of one that is none', async () => {
  for (const options of [{}, { acceptLoss: true }]) {
    const ran = await run(options);
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('holds no data of Quoll');
  }
  expect(readdirSync(directory)).toEqual([]);
  const json = await run({ json: true });
  expect(JSON.parse(json.out)).toMatchObject({ whole: false });
});

it('leaves a directory alone that a server is using', async () => {
  const { storage } = await recover(new NodeDisk(), { dataDir: directory });
  const failure = await run().then(
    () => null,
    (error: unknown) => explain(error),
  );
  await storage.close();
  expect(failure?.code).toBe(3);
  expect(failure?.message).toContain('is being served');
});

it('tells a directory without a superblock from a whole one', async () => {
  await fill();
  const own = join(directory, 'quoll');
  for (const name of readdirSync(own)) {
    if (name.startsWith('superblock')) renameSync(join(own, name), join(directory, name));
  }
  const ran = await run();
  expect(ran.code).toBe(3);
  expect(ran.out).toContain('superblock');
});
