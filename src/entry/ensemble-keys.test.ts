import { describe, expect, it } from 'vitest';
import { Err, Op } from '../protocol/constants.ts';
import { pathBody } from '../server/server.test-helper.ts';
import { ensembleOf, type TestEnsemble } from './ensemble.test-helper.ts';

/** Whether the server that is left writes once all others are gone. */
async function writesAlone(ensemble: TestEnsemble, left: number): Promise<boolean> {
  for (const id of ensemble.ids) if (id !== left) await ensemble.stopServer(id);
  const run = ensemble.run(left);
  const client = await run.connect();
  const opened = await client.open();
  return opened !== null && (await client.create('/alone')) === Err.ok;
}

/** How long the others take to have another leader when theirs can't be heard any more. */
async function electionMs(lines: readonly string[]): Promise<number> {
  const ensemble = await ensembleOf(lines);
  const leader = await ensemble.leader();
  const network = ensemble.networks.get(leader);
  if (network === undefined) throw new Error('a server without a network');
  const startedMs = performance.now();
  network.isDown = true;
  await ensemble.leader();
  return performance.now() - startedMs;
}

const SHORT_WAIT = 'nio.sessionlessCnxnTimeout=1500';

describe('an ensemble honours', () => {
  it('weight.<id> and group.<id>', async () => {
    const weights = ['group.1=1:2:3', 'weight.1=3', 'weight.2=1', 'weight.3=1', SHORT_WAIT];
    expect(await writesAlone(await ensembleOf(weights), 1)).toBe(true);
    expect(await writesAlone(await ensembleOf([SHORT_WAIT]), 1)).toBe(false);
  });

  it('standaloneEnabled', async () => {
    const ensemble = await ensembleOf(['standaloneEnabled=false'], { size: 1 });
    const run = ensemble.run(1);
    expect(await run.word('srvr')).toContain('Mode: leader\n');
    const client = await run.client();
    expect(await client.create('/a')).toBe(Err.ok);
    const usual = await ensembleOf([], { size: 1 });
    expect(await usual.run(1).word('srvr')).toContain('Mode: standalone\n');
  });

  it('peerType', async () => {
    const ensemble = await ensembleOf([], {
      size: 4,
      role: (id) => (id === 4 ? ':observer' : ''),
      linesOf: (id) => (id === 4 ? ['peerType=observer'] : []),
    });
    expect(await ensemble.run(4).word('srvr')).toContain('Mode: observer\n');
    expect(await ensemble.run(4).word('conf')).toContain('\npeerType=1\n');
    expect(await (await ensemble.run(4).client()).create('/a')).toBe(Err.ok);
  });

  it('quorumListenOnAllIPs', async () => {
    const hosts = async (lines: readonly string[]): Promise<unknown[]> => {
      const ensemble = await ensembleOf(lines);
      const [between, clients] = ensemble.networks.get(1)?.listened ?? [];
      return [between?.host, clients?.host];
    };
    expect(await hosts(['quorumListenOnAllIPs=true'])).toEqual([undefined, '127.0.0.1']);
    expect(await hosts([])).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  it('leaderServes', async () => {
    const ensemble = await ensembleOf(['leaderServes=no']);
    const modes = async (): Promise<(string | undefined)[]> =>
      Promise.all(
        ensemble.ids.map(
          async (id) => /Mode: \w+|not/.exec(await ensemble.run(id).word('srvr'))?.[0],
        ),
      );
    await ensemble.until(async () => (await modes()).filter((mode) => mode === 'not').length === 1);
    const all = await modes();
    const leader = all.indexOf('not') + 1;
    expect(all.filter((mode) => mode === 'Mode: follower')).toHaveLength(2);
    expect(await (await ensemble.run(leader).connect()).open()).toBeNull();
    const other = await ensemble.run(leader === 1 ? 2 : 1).client();
    expect(await other.create('/a')).toBe(Err.ok);
  });

  it('quoll.electionTimeoutMs', async () => {
    expect(await electionMs(['quoll.electionTimeoutMs=3000'])).toBeGreaterThan(1_800);
    expect(await electionMs(['quoll.electionTimeoutMs=500'])).toBeLessThan(1_800);
  });

  it('quoll.heartbeatIntervalMs', async () => {
    const sent = async (intervalMs: number): Promise<number> => {
      const lines = ['quoll.electionTimeoutMs=3000', `quoll.heartbeatIntervalMs=${intervalMs}`];
      const ensemble = await ensembleOf(lines);
      const network = ensemble.networks.get(await ensemble.leader());
      const before = network?.bytesSent ?? 0;
      const untilMs = performance.now() + 1_500;
      await ensemble.until(() => performance.now() > untilMs);
      return (network?.bytesSent ?? 0) - before;
    };
    expect(await sent(20)).toBeGreaterThan(3 * (await sent(1_000)));
  });

  it('quoll.writeQuorumSize and quoll.electionQuorumSize', async () => {
    const sizes = ['quoll.writeQuorumSize=1', 'quoll.electionQuorumSize=3', SHORT_WAIT];
    const ensemble = await ensembleOf(sizes);
    const leader = await ensemble.leader();
    expect(await writesAlone(ensemble, leader)).toBe(true);
    // Writes take one, and so a leader takes all of them.
    const other = await ensembleOf(sizes);
    const [gone = 0] = await other.followers();
    await other.stopServer(gone);
    await other.stopServer(await other.leader());
    const [left = 0] = other.ids.filter((id) => other.find(id) !== null);
    expect(await (await other.run(left).connect()).open()).toBeNull();
  });

  it('quoll.linearizableReads', async () => {
    const behind = async (lines: readonly string[]): Promise<number | 'closed' | 'waits'> => {
      const ensemble = await ensembleOf(['quoll.electionTimeoutMs=3000', ...lines]);
      const leader = await ensemble.leader();
      const [one = 0] = await ensemble.followers();
      const reader = await ensemble.run(one).client();
      await reader.call(Op.exists, pathBody('/', false));
      const network = ensemble.networks.get(leader);
      if (network === undefined) throw new Error('a server without a network');
      network.isDown = true;
      const answer = reader.call(Op.exists, pathBody('/', false));
      const patience = new Promise<'waits'>((resolve) => setTimeout(() => resolve('waits'), 500));
      const first = await Promise.race([answer, patience]);
      network.isDown = false;
      expect(await answer).toBe(Err.ok);
      // On a machine that stood still meanwhile another one leads, who answers.
      return (await ensemble.leader()) === leader ? first : behind(lines);
    };
    const linearizable = ['quoll.linearizableReads=true'];
    expect(await behind(linearizable)).toBe('waits');
    // Its own acceptance chooses an entry, and yet it does not know what the leader has chosen.
    const sizes = ['quoll.writeQuorumSize=1', 'quoll.electionQuorumSize=3'];
    expect(await behind([...linearizable, ...sizes])).toBe('waits');
    expect(await behind([])).toBe(Err.ok);
  });
});
