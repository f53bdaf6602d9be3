import { afterEach, describe, expect, it } from 'vitest';
import type { Writer } from '../base/writer.ts';
import { Err, Op } from '../protocol/constants.ts';
import { createBody, pathBody, setBody } from '../server/server.test-helper.ts';
import { TestEnsemble } from './ensemble.test-helper.ts';
import type { Client, TestRun } from './running-server.test-helper.ts';

let ensemble: TestEnsemble;

afterEach(() => ensemble.end());

/** The one server that is left of three, and how it was told to behave without a leader. */
async function lastOfThree(readOnlyMode: boolean): Promise<TestRun> {
  ensemble = await TestEnsemble.start([`readonlymode.enabled=${readOnlyMode}`, 'tickTime=500']);
  const leader = await ensemble.leader();
  const client = await ensemble.run(leader).client();
  await client.create('/a', 'data');
  const [gone = 0, left = 0] = await ensemble.followers();
  const reader = await ensemble.run(left).client();
  await ensemble.until(
    async () => (await reader.call(Op.exists, pathBody('/a', false))) === Err.ok,
  );
  await ensemble.stopServer(leader);
  await ensemble.stopServer(gone);
  return ensemble.run(left);
}

async function readOnlyClient(run: TestRun): Promise<Client> {
  const client = await run.connect();
  const opened = await client.openSession({ readOnly: true, timeoutMs: 4_000 });
  expect(opened).toMatchObject({ readOnly: true, timeoutMs: 4_000 });
  return client;
}

function withVersion(path: string): (writer: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    writer.i32(-1);
  };
}

describe('a server without a leader', () => {
  it('serves reads to clients that ask for that, and nothing else, until there is a leader', async () => {
    const run = await lastOfThree(true);
    await ensemble.until(async () => (await run.word('isro')) === 'ro');
    expect(await run.word('srvr')).toContain(
      'READ-ONLY mode; serving only read-only clients\nLatency',
    );
    expect(await run.word('srvr')).toContain('Mode: read-only\n');
    const client = await readOnlyClient(run);
    expect(await client.call(Op.getData, pathBody('/a', true))).toBe(Err.ok);
    expect(await client.call(Op.getEphemerals, pathBody('/'))).toBe(Err.ok);
    expect(await client.call(Op.ping)).toBe(Err.ok);
    const refused = [
      await client.create('/b'),
      await client.call(Op.createContainer, createBody('/b', '', 4)),
      await client.call(Op.setData, setBody('/a', 'x')),
      await client.call(Op.delete, withVersion('/a')),
      await client.call(Op.sync, pathBody('/a')),
      await client.call(Op.multi),
      await client.call(Op.check, withVersion('/a')),
    ];
    expect(new Set(refused)).toEqual(new Set([Err.notReadOnly]));
    expect(await (await run.connect()).openSession({ readOnly: false })).toBeNull();
    expect(await (await run.connect()).openSession({ readOnlyByte: false })).toBeNull();
    // A session that is in the log can't be taken up without the others.
    expect(await (await run.connect()).openSession({ readOnly: true, low: 7 })).toBeNull();
    const other = ensemble.ids.find((id) => ensemble.find(id) === null) as number;
    await ensemble.startServer(other);
    await client.closed;
    await ensemble.until(async () => (await run.word('isro')) === 'rw');
    const again = await run.connect();
    expect(await again.openSession({ readOnly: true })).toMatchObject({ readOnly: false });
    expect(await again.create('/b')).toBe(Err.ok);
    expect(await run.figure('global_sessions')).toBeLessThanOrEqual(3);
  });

  it('ends a read-only session in answer to its client, or when that falls silent', async () => {
    const run = await lastOfThree(true);
    await ensemble.until(async () => (await run.word('isro')) === 'ro');
    const client = await readOnlyClient(run);
    expect(await client.call(Op.closeSession)).toBe(Err.ok);
    await client.closed;
    const silent = await run.connect();
    await silent.openSession({ readOnly: true, timeoutMs: 1_000 });
    await silent.closed;
    const ids = new Set<number>();
    for (let i = 0; i < 3; i++) {
      const opened = await (await run.connect()).openSession({ readOnly: true });
      ids.add(opened?.low ?? 0);
    }
    expect(ids.size).toBe(3);
  });

  it('serves nobody unless it is told to', async () => {
    const run = await lastOfThree(false);
    await ensemble.until(async () => (await run.word('isro')) === 'null');
    const client = await run.connect();
    const opened = client.openSession({ readOnly: true });
    const other = ensemble.ids.find((id) => ensemble.find(id) === null) as number;
    await ensemble.startServer(other);
    expect(await opened).toMatchObject({ readOnly: false });
  });
});
