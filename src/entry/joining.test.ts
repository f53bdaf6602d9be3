import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { Actor } from '../sim/actor.ts';
import { SimClient } from '../sim/client.ts';
import { Cluster } from '../sim/cluster.ts';
import { History } from '../sim/history.ts';
import { NetworkWorld, SimNetwork } from '../sim/network.ts';
import { SimProcess } from '../sim/process.ts';
import { ProcessClock } from '../sim/process-clock.ts';
import type { SimServer } from '../sim/server.ts';
import { Trace } from '../sim/trace.ts';
import { World } from '../sim/world.ts';

const SEED = 11;
const WRITES = 300;
const PATIENCE_MS = 20_000;
const TAKES_OVER = 'o1 logs info: takes over the snapshot of another server';

/** Three voters whose logs no longer reach back, and an observer that is yet to join. */
class Scene {
  readonly world: World;
  readonly cluster: Cluster;
  readonly observer: SimServer;
  readonly said: string[] = [];
  private readonly network: NetworkWorld;
  private readonly actor: Actor;

  constructor() {
    this.world = new World(SEED, new Trace((line) => this.said.push(line)));
    this.network = new NetworkWorld(this.world);
    const { world, network } = this;
    const platform = { checksums: new NodeChecksums(), hashes: new NodeSecrets() };
    this.cluster = new Cluster(
      { world, network, ...platform },
      {
        size: 3,
        observers: 0,
        spares: 0,
        joined: 1,
        lines: ['snapSizeLimitInKb=8'],
        ownLines: [],
        setup: { messageSizes: { retainBytes: 4_096, chunkBytes: 4_096 } },
        clockRates: [],
        forgetfulDisks: false,
        gossip: false,
      },
    );
    this.observer = this.cluster.joined[0] as SimServer;
    this.actor = this.addActor();
  }

  async begin(): Promise<void> {
    this.cluster.start();
    this.observer.wipe();
    await this.until(() => this.cluster.hasFormed);
    await this.write(WRITES);
    // What a member tells of slot 1 it has read at its start.
    for (const server of this.cluster.servers) {
      server.kill();
      server.start();
      await this.until(() => server.isServing);
    }
  }

  async write(count: number): Promise<void> {
    let left = count;
    const go = async (): Promise<void> => {
      for (; left > 0; left--) {
        await this.actor.create(`/${this.actor.freshValue()}`, 'x'.repeat(500));
      }
    };
    void go();
    await this.until(() => left === 0);
  }

  async until(isSo: () => boolean): Promise<void> {
    await this.world.run(PATIENCE_MS * 1_000, isSo);
    if (!isSo()) throw new Error(`it never came to be: ${isSo}`);
  }

  get hasJoined(): boolean {
    const { decided } = this.cluster;
    return decided.reachedBy(this.observer.id) === decided.lastSlot;
  }

  private addActor(): Actor {
    const { world, network } = this;
    const process = new SimProcess(world, 'client');
    const client = new SimClient({
      name: 'client',
      clock: new ProcessClock(process, { wallAheadMs: 0, rate: 1 }),
      network: new SimNetwork(process, network.addHost('client')),
      prng: world.prng.fork(),
      servers: this.cluster.peers.slice(0, 2),
      timeoutMs: 10_000,
      history: new History(),
      isCareless: false,
      auth: null,
      nowUs: () => world.nowUs,
      appliedSlotOf: () => 0,
    });
    return new Actor(client, new Prng(SEED));
  }
}

const scene = new Scene();

beforeAll(() => scene.begin());

describe('an observer that joins when the log no longer reaches back', () => {
  it('begins with a snapshot', async () => {
    scene.observer.start();
    await scene.until(() => scene.hasJoined);
    expect(scene.said.some((line) => line.includes(TAKES_OVER))).toBe(true);
  });

  it('comes back from that', async () => {
    scene.observer.kill();
    await scene.write(1);
    scene.observer.start();
    await scene.until(() => scene.hasJoined);
    expect(scene.cluster.failures).toEqual([]);
  });

  /** From before it has asked anybody until long after it serves. */
  const moments = Array.from({ length: 40 }, (_, i) => 100 + i * 150);

  it('does so wherever it was killed before', async () => {
    const { observer, cluster, world } = scene;
    for (const momentUs of moments) {
      observer.wipe();
      cluster.decided.recovering(observer.id, 0);
      observer.start();
      await world.run(momentUs);
      observer.kill();
      observer.start();
      await scene.until(() => scene.hasJoined);
    }
    expect(cluster.failures).toEqual([]);
    expect(cluster.decided.breaches).toEqual([]);
  });

  it('gets back from the others what its disk has lost', async () => {
    const { observer, cluster } = scene;
    await scene.until(() => scene.hasJoined);
    await scene.write(20);
    await scene.until(() => scene.hasJoined);
    observer.kill();
    const { disk } = observer;
    const endOf = (path: string) => disk.contentOf(path).findLastIndex((byte) => byte > 0);
    const written = disk.paths().filter((path) => path.includes('/log/') && endOf(path) > 1_000);
    const [newest = ''] = written.sort().slice(-1);
    // Its whole length is there: no crash makes that of a record.
    disk.flipBit(newest, 8 * (endOf(newest) - 200));
    observer.start();
    await scene.write(1);
    await scene.until(() => scene.hasJoined);
    expect(scene.said.some((line) => line.includes('a record with a wrong checksum'))).toBe(true);
    expect(cluster.failures).toEqual([]);
  });
});
