import { afterEach, describe, expect, it } from 'vitest';
import { Err, Op } from '../protocol/constants.ts';
import { pathBody } from '../server/server.test-helper.ts';
import { TestEnsemble } from './ensemble.test-helper.ts';
import type { TestRun } from './running-server.test-helper.ts';

const running: TestEnsemble[] = [];

async function ensembleOf(...args: Parameters<typeof TestEnsemble.start>): Promise<TestEnsemble> {
  const ensemble = await TestEnsemble.start(...args);
  running.push(ensemble);
  return ensemble;
}

afterEach(async () => {
  for (const ensemble of running.splice(0)) await ensemble.end();
});

describe('an observer that nobody has configured', () => {
  it('serves what was there before, and takes writes', async () => {
    const ensemble = await ensembleOf();
    const before = await ensemble.run(1).client();
    expect(await before.create('/before', 'x')).toBe(Err.ok);
    const observer = await ensemble.join();
    await observer.server.serving();
    const client = await observer.client();
    expect(await client.call(Op.sync, pathBody('/'))).toBe(Err.ok);
    expect(await client.call(Op.exists, pathBody('/before', false))).toBe(Err.ok);
    expect(await client.create('/here', 'y')).toBe(Err.ok);
    expect(await before.call(Op.sync, pathBody('/'))).toBe(Err.ok);
    expect(await before.call(Op.exists, pathBody('/here', false))).toBe(Err.ok);
    expect(await observer.word('srvr')).toContain('Mode: observer');
  });

  it('is known to everyone by gossip, without being told where it is, and says goodbye', async () => {
    const ensemble = await ensembleOf();
    const observer = await ensemble.join();
    await observer.server.serving();
    const statusesAt = async (run: TestRun): Promise<string[]> => {
      const [, ...lines] = (await run.word('mbrs')).trimEnd().split('\n');
      return lines.map((line) => line.split('\t').slice(0, 3).join(' '));
    };
    const all = ['alive observer -', 'alive voter 1', 'alive voter 2', 'alive voter 3'];
    for (const run of [observer, ...ensemble.ids.map((id) => ensemble.run(id))]) {
      await ensemble.until(async () => {
        const known = await statusesAt(run);
        return (
          known
            .map((one) => one.replace('leader', 'voter'))
            .sort()
            .join() === all.join()
        );
      });
    }
    await ensemble.part(observer);
    await ensemble.until(async () =>
      (await statusesAt(ensemble.run(1))).includes('left observer -'),
    );
  });

  it('keeps its clients, their ephemerals and their writes when the leader dies', async () => {
    const ensemble = await ensembleOf();
    const observer = await ensemble.join();
    await observer.server.serving();
    const client = await observer.client();
    expect(await client.create('/e', '', 1)).toBe(Err.ok);
    const leader = await ensemble.leader();
    const write = client.create('/1');
    await ensemble.stopServer(leader);
    expect(await write).toBe(Err.ok);
    expect(await client.create('/4')).toBe(Err.ok);
    const [other = 0] = await ensemble.followers();
    const reader = await ensemble.run(other).client();
    await reader.call(Op.sync, pathBody('/'));
    for (const path of ['/e', '/1', '/4']) {
      expect(await reader.call(Op.exists, pathBody(path, false))).toBe(Err.ok);
    }
  });

  it('goes on through another voter when its own is gone', async () => {
    const ensemble = await ensembleOf();
    const observer = await ensemble.join();
    await observer.server.serving();
    const client = await observer.client();
    // Whichever it hangs on, each is gone once.
    for (const id of ensemble.ids) {
      await ensemble.stopServer(id);
      expect(await client.create(`/without-${id}`)).toBe(Err.ok);
      await ensemble.startServer(id);
      await ensemble.run(id).server.serving();
    }
  });

  it('comes back with its data, and knows by itself where it belongs', async () => {
    const ensemble = await ensembleOf();
    const observer = await ensemble.join();
    await observer.server.serving();
    const client = await observer.client();
    expect(await client.create('/mine')).toBe(Err.ok);
    const directory = await ensemble.part(observer);
    const back = await ensemble.join(['gossip.join='], directory);
    await back.server.serving();
    const again = await back.client();
    expect(await again.call(Op.sync, pathBody('/'))).toBe(Err.ok);
    expect(await again.call(Op.exists, pathBody('/mine', false))).toBe(Err.ok);
    expect(back.said.count('blank: looks for an ensemble')).toBe(0);
  });

  it('gives its sessions ids that a voter has granted, no two the same', async () => {
    const ensemble = await ensembleOf();
    const [one, two] = [await ensemble.join(), await ensemble.join()];
    await Promise.all([one.server.serving(), two.server.serving()]);
    const ids = new Set<string>();
    for (const run of [one, two, one, two]) {
      const client = await run.connect();
      const session = await client.openSession({ timeoutMs: 10_000 });
      const high = (session?.high ?? 0) >>> 0;
      expect(ensemble.ids).toContain(high >>> 24);
      ids.add(`${high}:${session?.low}`);
    }
    expect(ids.size).toBe(4);
  });

  it('refuses a directory that is a server’s which joined nobody', async () => {
    const ensemble = await ensembleOf();
    await ensemble.stopServer(3);
    await expect(ensemble.join([], ensemble.directory(3))).rejects.toThrow(
      'An observer begins with an empty directory',
    );
  });

  it('never serves what it has of another ensemble', async () => {
    const [first, second] = [await TestEnsemble.start(), await ensembleOf()];
    const observer = await first.join();
    await observer.server.serving();
    const directory = await first.part(observer);
    await first.end();
    const moved = await second.join([], directory);
    await moved.said.times(1, 'at the join addresses is another ensemble than this observer’s');
    expect(await moved.word('srvr')).toContain('not currently serving');
  });
});
