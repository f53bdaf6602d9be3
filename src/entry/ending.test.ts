import { describe, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { DiskError } from '../io/disk.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { Err } from '../protocol/constants.ts';
import { Actor } from '../sim/actor.ts';
import { SimClient } from '../sim/client.ts';
import { Cluster } from '../sim/cluster.ts';
import { History } from '../sim/history.ts';
import { NetworkWorld, SimNetwork } from '../sim/network.ts';
import { SimProcess } from '../sim/process.ts';
import { ProcessClock } from '../sim/process-clock.ts';
import type { SimServer } from '../sim/server.ts';
import { World } from '../sim/world.ts';

const FORMED_US = 2_000_000;

/** An ensemble of simulated machines, and its clients. */
class Bench {
  readonly world: World = new World(1);
  readonly cluster: Cluster;
  private readonly network = new NetworkWorld(this.world);

  constructor(size: number) {
    const platform = { checksums: new NodeChecksums(), hashes: new NodeSecrets() };
    this.cluster = new Cluster(
      { world: this.world, network: this.network, ...platform },
      {
        size,
        observers: 0,
        spares: 0,
        lines: [],
        ownLines: [],
        setup: { messageSizes: { retainBytes: 100_000, chunkBytes: 20_000 } },
        clockRates: [],
        forgetfulDisks: false,
        gossip: false,
      },
    );
    this.cluster.start();
  }

  client(name: string, server: SimServer): Actor {
    const { world, network } = this;
    const process = new SimProcess(world, name);
    const client = new SimClient({
      name,
      clock: new ProcessClock(process, { wallAheadMs: 0, rate: 1 }),
      network: new SimNetwork(process, network.addHost(name)),
      prng: new Prng(1),
      servers: this.cluster.peers.filter(({ host }) => host === server.name),
      timeoutMs: 4_000,
      history: new History(),
      isCareless: false,
      auth: null,
      nowUs: () => world.nowUs,
      appliedSlotOf: () => 0,
    });
    return new Actor(client, new Prng(1));
  }
}

/** What it writes from now on fails, a while later. */
function breakDisk(server: SimServer): void {
  server.speed.slowness = 1_000;
  server.disk.fault = (operation) => (operation === 'write' ? 'EIO' : null);
}

describe('a server that is told to end while its disk fails', () => {
  it('ends with the error as soon as it knows, and waits no longer', async () => {
    const bench = new Bench(1);
    const { world, cluster } = bench;
    const [server] = cluster.servers as [SimServer];
    const actor = bench.client('c', server);
    await world.run(FORMED_US);
    breakDisk(server);
    void actor.create('/a');
    await world.run(20_000);
    server.shutDown();
    await world.run(1_000_000, () => cluster.failures.length > 0);
    expect(cluster.failures.map(({ error }) => error)).toEqual([expect.any(DiskError)]);
  });

  it('lets the others go, and they elect another leader', async () => {
    for (const victim of [0, 1, 2]) {
      const bench = new Bench(3);
      const { world, cluster } = bench;
      const server = cluster.servers[victim] as SimServer;
      const actor = bench.client('c', cluster.servers[(victim + 1) % 3] as SimServer);
      await world.run(FORMED_US);
      breakDisk(server);
      let isDone = false;
      // The two others have the first one, and it counts; a leader would propose no second one.
      void actor.create('/a');
      await world.run(20_000);
      server.shutDown();
      await world.run(300_000);
      void actor.create('/b').then(({ err }) => {
        isDone = err === Err.ok;
      });
      await world.run(2_000_000, () => isDone);
      expect(isDone, `server ${victim + 1} ends`).toBe(true);
    }
  });
});
