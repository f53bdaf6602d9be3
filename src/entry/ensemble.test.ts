import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Err, Op } from '../protocol/constants.ts';
import { pathBody } from '../server/server.test-helper.ts';
import { ensembleOf } from './ensemble.test-helper.ts';
import { localAccessPath, parseLocalAccess } from './local-access.ts';
import type { TestRun } from './running-server.test-helper.ts';

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests';
async function lineOf(run: TestRun, word: string, start: string): Promise<string | undefined> {
  return (await run.word(word)).split('\n').find((line) => line.startsWith(start));
}

describe('the servers of an ensemble', () => {
  it('tell their roles as those of ZooKeeper do', async () => {
    const observed = { size: 4, role: (id: number) => (id === 4 ? ':observer' : '') };
    const ensemble = await ensembleOf(['initLimit=10', 'syncLimit=5'], observed);
    const leader = await ensemble.leader();
    const follower = (await ensemble.followers()).find((id) => id !== 4) as number;
    const modes = await Promise.all(
      [leader, follower, 4].map((id) => lineOf(ensemble.run(id), 'srvr', 'Mode: ')),
    );
    expect(modes).toEqual(['Mode: leader', 'Mode: follower', 'Mode: observer']);
    expect(await ensemble.run(leader).word('srvr')).toContain('\nProposal sizes last/min/max: ');
    expect(await ensemble.run(follower).word('stat')).toContain('\nClients:\n');
    expect(await ensemble.run(follower).word('isro')).toBe('rw');
    const states = await Promise.all(
      [leader, follower, 4].map((id) => lineOf(ensemble.run(id), 'mntr', 'zk_peer_state')),
    );
    expect(states.map((line) => line?.split('\t')[1])).toEqual([
      'leading - broadcast',
      'following - broadcast',
      'observing - broadcast',
    ]);
  });

  it('tell how the others follow, on the leader alone', async () => {
    const ensemble = await ensembleOf();
    const leader = ensemble.run(await ensemble.leader());
    const [one = 0, two = 0] = await ensemble.followers();
    await ensemble.until(async () => (await leader.figure('synced_followers')) === 2);
    const names = ['quorum_size', 'learners', 'followers', 'synced_observers', 'pending_syncs'];
    const figures = await Promise.all(names.map((name) => leader.figure(name)));
    expect(figures).toEqual([3, 2, 2, 0, 0]);
    expect(await leader.figure('leader_uptime')).toBeGreaterThan(0);
    expect(await ensemble.run(one).word('mntr')).not.toContain('zk_synced_followers');
    const client = await leader.client();
    await client.create('/a');
    const slots = [leader.figure('quoll_applied_slot'), leader.figure('quoll_decided_slot')];
    expect(new Set(await Promise.all(slots)).size).toBe(1);
    await ensemble.stopServer(two);
    await client.create('/b');
    await ensemble.until(async () => (await leader.figure('learners')) === 1);
    expect(await leader.figure(`${two}_quoll_lag_slots`)).toBeGreaterThan(0);
    await ensemble.until(async () => (await leader.figure(`${one}_quoll_lag_slots`)) === 0);
  });

  it('tell their configuration behind that of a server alone', async () => {
    const ensemble = await ensembleOf(['initLimit=10', 'syncLimit=5']);
    // The first leader's first entry gives the configuration its version.
    await ensemble.until(async () => !(await ensemble.run(2).word('conf')).endsWith('=0'));
    const text = await ensemble.run(2).word('conf');
    const [, members = ''] = text.split('\nserverId=2\n');
    expect(members).toMatch(/^initLimit=10\nsyncLimit=5\nelectionAlg=3\nelectionPort=\d+\n/);
    expect(members).toMatch(/\nquorumPort=\d+\npeerType=0\nmembership: \nserver\.1=/);
    expect(members).toMatch(/\nversion=100000000$/);
  });

  it('list sessions in dump: when they expire only the leader knows', async () => {
    const ensemble = await ensembleOf();
    const leader = await ensemble.leader();
    const [follower = 0] = await ensemble.followers();
    await ensemble.run(follower).client(10_000);
    const dump = await ensemble.run(follower).word('dump');
    expect(dump).toMatch(/^Global Sessions\(1\):\n0x[0-9a-f]+\t10000ms\nephemeral nodes dump:\n/);
    expect(await ensemble.run(leader).word('dump')).toMatch(/^SessionTracker dump:\n/);
  });

  it('say so when they have no leader, and end who waits for one too long', async () => {
    const lines = ['nio.sessionlessCnxnTimeout=1000'];
    const ensemble = await ensembleOf(lines);
    const [one = 0, two = 0] = await ensemble.followers();
    const left = ensemble.run(two);
    const waiting = await left.connect();
    await ensemble.stopServer(await ensemble.leader());
    await ensemble.stopServer(one);
    await ensemble.until(async () => (await left.word('srvr')) === `${NOT_SERVING}\n`);
    expect(await left.word('isro')).toBe('null');
    expect(await left.word('ruok')).toBe('imok');
    expect(await waiting.open()).toBeNull();
    await ensemble.startServer(one);
    expect(await (await left.connect()).open()).toBe(10_000);
  });

  it('compare their states', async () => {
    const ensemble = await ensembleOf();
    const leader = ensemble.run(await ensemble.leader());
    const client = await leader.client();
    for (let i = 0; i < 260; i++) await client.create(`/${i}`);
    await ensemble.until(async () => (await leader.figure('quoll_digests_compared')) > 0);
    const digests = new Set<string | undefined>();
    await ensemble.until(async () => {
      digests.clear();
      for (const id of ensemble.ids) {
        digests.add(await lineOf(ensemble.run(id), 'mntr', 'zk_quoll_state_digest'));
      }
      return digests.size === 1;
    });
    expect([...digests][0]).toMatch(/\t0x[0-9a-f]+ [0-9a-f]{16}$/);
  });

  it('follow on without a vote when they are removed', async () => {
    const ensemble = await ensembleOf(['reconfigEnabled=true', 'skipACL=yes']);
    const leader = ensemble.run(await ensemble.leader());
    const [removed = 0] = await ensemble.followers();
    const client = await leader.client();
    const watcher = await ensemble.run(removed).client();
    await ensemble.until(async () => (await leader.figure('synced_followers')) === 2);
    const code = await client.call(Op.reconfig, (writer) => {
      writer.buffer(null);
      writer.ustring(String(removed));
      writer.buffer(null);
      writer.i64(-1);
    });
    expect(code).toBe(Err.ok);
    expect(await client.create('/after')).toBe(Err.ok);
    await ensemble.until(
      async () => (await watcher.call(Op.exists, pathBody('/after', false))) === Err.ok,
    );
    // Its clients write, too, and its vote is not counted any more.
    expect(await watcher.create('/there')).toBe(Err.ok);
    await ensemble.until(async () => (await leader.figure('quorum_size')) === 2);
    expect(await lineOf(ensemble.run(removed), 'srvr', 'Mode: ')).toBe('Mode: observer');
  });

  it('take a member back that was replaced, without being started anew themselves', async () => {
    const ensemble = await ensembleOf(['reconfigEnabled=false']);
    const [one = 0] = await ensemble.followers();
    await ensemble.stopServer(one);
    rmSync(`${ensemble.directory(one)}/data`, { recursive: true });
    await expect(ensemble.startServer(one)).rejects.toThrow(`run "quoll replace ${one}"`);
    const leader = ensemble.run(await ensemble.leader());
    const client = await leader.client();
    const replace = () =>
      client.call(Op.reconfig, (writer) => {
        writer.ustring(`replace.${one}`);
        writer.buffer(null);
        writer.buffer(null);
        writer.i64(-1);
      });
    expect(await replace()).toBe(Err.noAuth);
    // No super user is configured: to be on the machine of a member is leave enough.
    const path = localAccessPath(`${leader.directory}/data`);
    const { token = '' } = parseLocalAccess(readFileSync(path, 'utf8')) ?? {};
    expect(await client.auth('local', token)).toBe(Err.ok);
    expect(await replace()).toBe(Err.ok);
    await ensemble.startServer(one);
    await ensemble.run(one).server.serving();
    expect(await client.create('/a')).toBe(Err.ok);
    const back = await ensemble.run(one).client();
    await ensemble.until(
      async () => (await back.call(Op.exists, pathBody('/a', false))) === Err.ok,
    );
    await ensemble.until(async () => (await leader.figure('synced_followers')) === 2);
  });
});
