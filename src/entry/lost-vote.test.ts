import { expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { Err, Op } from '../protocol/constants.ts';
import { SimClient } from '../sim/client.ts';
import { Cluster } from '../sim/cluster.ts';
import { SUPER_AUTH } from '../sim/config.ts';
import { History } from '../sim/history.ts';
import { NetworkWorld, SimNetwork } from '../sim/network.ts';
import { SimProcess } from '../sim/process.ts';
import { ProcessClock } from '../sim/process-clock.ts';
import type { SimServer } from '../sim/server.ts';
import { World } from '../sim/world.ts';

const WHILE_US = 6_000_000;

/** Three simulated servers, and who may change what they are. */
class Scene {
  readonly world: World = new World(1);
  readonly cluster: Cluster;
  private readonly client: SimClient;

  constructor() {
    const { world } = this;
    const network = new NetworkWorld(world);
    const platform = { checksums: new NodeChecksums(), hashes: new NodeSecrets() };
    this.cluster = new Cluster(
      { world, network, ...platform },
      {
        ...{ size: 3, observers: 0, spares: 0, gossip: false, forgetfulDisks: false },
        ...{ lines: ['reconfigEnabled=true'], ownLines: [], clockRates: [] },
        setup: { messageSizes: { retainBytes: 100_000, chunkBytes: 20_000 } },
      },
    );
    const process = new SimProcess(world, 'c');
    this.client = new SimClient({
      name: 'c',
      clock: new ProcessClock(process, { wallAheadMs: 0, rate: 1 }),
      network: new SimNetwork(process, network.addHost('c')),
      prng: new Prng(1),
      servers: this.cluster.peers.slice(0, 1),
      timeoutMs: 4_000,
      history: new History(),
      isCareless: false,
      auth: SUPER_AUTH,
      nowUs: () => world.nowUs,
      appliedSlotOf: () => 0,
    });
    this.cluster.start();
  }

  /** What the third server is from now on; the result is the error. */
  async becomes(role: 'participant' | 'observer'): Promise<number | null> {
    let err: number | null = null;
    const joiningServers = `server.3=s3:2888:3888:${role};2181`;
    const nothing = { leavingServers: null, newMembers: null, curConfigId: -1 };
    void this.client.call(Op.reconfig, { joiningServers, ...nothing }).then((call) => {
      err = call.err;
    });
    await this.world.run(WHILE_US, () => err !== null);
    await this.world.run(WHILE_US);
    return err;
  }

  get slots(): number[] {
    return [1, 2, 3].map((id) => this.cluster.decided.reachedBy(id));
  }
}

it.each([false, true])(
  'a vote that was lost is given back; its disk lost meanwhile: %s',
  async (isLost) => {
    const scene = new Scene();
    const { world, cluster } = scene;
    await world.run(WHILE_US);
    const third = cluster.servers[2] as SimServer;
    expect(await scene.becomes('observer')).toBe(Err.ok);
    if (isLost) {
      third.wipe();
      cluster.startLater(third);
      await world.run(WHILE_US);
    }
    expect(await scene.becomes('participant')).toBe(Err.ok);
    // Whoever is not the replica that has the vote is sent nothing.
    expect(scene.slots).toEqual([1, 2, 3].map(() => cluster.decided.lastSlot));
    const { lastSlot } = cluster.decided;
    expect(await scene.becomes('observer')).toBe(Err.ok);
    expect(scene.slots).toEqual([1, 2, 3].map(() => cluster.decided.lastSlot));
    expect(cluster.decided.lastSlot).toBeGreaterThan(lastSlot);
  },
);
