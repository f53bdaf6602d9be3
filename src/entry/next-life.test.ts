import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import type { DiskErrorCode } from '../io/disk.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { Actor } from '../sim/actor.ts';
import { SimClient } from '../sim/client.ts';
import { Cluster } from '../sim/cluster.ts';
import type { Operation } from '../sim/disk.ts';
import { History } from '../sim/history.ts';
import { NetworkWorld, SimNetwork } from '../sim/network.ts';
import { SimProcess } from '../sim/process.ts';
import { ProcessClock } from '../sim/process-clock.ts';
import type { SimServer } from '../sim/server.ts';
import { Trace } from '../sim/trace.ts';
import { World } from '../sim/world.ts';

const SEED = 7;
const WRITES = 300;
const VICTIM = 's3';
const TAKES_OVER = 'logs info: takes over the snapshot of another server, and begins anew with it';
const NO_SPACE = 'logs error: no space to begin anew with what others sent: make space';
const SILENT_MS = 4_000;
const PATIENCE_MS = 20_000;

/** Three simulated servers; the third is cut off until the others have trimmed their logs. */
class Scene {
  readonly world: World;
  readonly cluster: Cluster;
  readonly victim: SimServer;
  /** Directories that its processes hold, and how often they have let go of one. */
  held = 0;
  released = 0;
  /** Operations on its disk when it was last let go. */
  operationsThen = 0;
  private readonly network: NetworkWorld;
  private writesLeft = 0;
  private readonly said: string[] = [];
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
        lines: ['snapSizeLimitInKb=8'],
        ownLines: [],
        setup: { messageSizes: { retainBytes: 4_096, chunkBytes: 4_096 } },
        clockRates: [],
        forgetfulDisks: false,
        gossip: false,
      },
    );
    this.victim = this.cluster.servers[2] as SimServer;
    this.watchLocks();
    this.actor = this.addActor();
  }

  /** The snapshot of one of the others is about to come. */
  static async behind(): Promise<Scene> {
    const scene = new Scene();
    scene.cluster.start();
    await scene.write(1);
    await scene.until(() => scene.cluster.hasFormed);
    scene.network.links.split([VICTIM], ['s1', 's2']);
    // Connections that are only silent would deliver all of it in the end.
    await scene.world.run(SILENT_MS * 1_000);
    await scene.write(WRITES);
    scene.network.links.heal();
    return scene;
  }

  hasSaid(text: string): boolean {
    return this.said.some((line) => line.includes(`${VICTIM} ${text}`));
  }

  async until(isSo: () => boolean): Promise<void> {
    await this.world.run(PATIENCE_MS * 1_000, isSo);
    if (!isSo()) throw new Error(`it never came to be: ${isSo}`);
  }

  /** So many writes at one of the others. */
  async write(count: number): Promise<void> {
    this.beginWriting(count);
    await this.until(() => this.writesLeft === 0);
  }

  /** They go on while the world runs. */
  beginWriting(count: number): void {
    this.writesLeft = count;
    const write = async (): Promise<void> => {
      for (; this.writesLeft > 0; this.writesLeft--) {
        await this.actor.create(`/${this.actor.freshValue()}`, 'x'.repeat(500));
      }
    };
    void write();
  }

  /** It has started again and has everything. */
  async recovers(): Promise<void> {
    const { cluster, victim } = this;
    await this.write(3);
    await this.until(() => cluster.decided.reachedBy(victim.id) === cluster.decided.lastSlot);
    expect(cluster.failures).toEqual([]);
    expect(cluster.decided.breaches).toEqual([]);
  }

  fail(code: DiskErrorCode, operation: Operation, where: RegExp): void {
    this.victim.disk.fault = (each, path) => (each === operation && where.test(path) ? code : null);
  }

  failNoMore(): void {
    this.victim.disk.fault = () => null;
  }

  private watchLocks(): void {
    const { disk } = this.victim;
    const lock = disk.lock.bind(disk);
    disk.lock = async (directory) => {
      const claim = await lock(directory);
      this.held++;
      return {
        release: async () => {
          this.released++;
          this.operationsThen = disk.operations;
          await claim.release();
        },
      };
    };
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

/** When the next life begins, in the very run that each test repeats. */
let takesOverUs = 0;

beforeAll(async () => {
  const scene = await Scene.behind();
  await scene.until(() => scene.hasSaid(TAKES_OVER));
  takesOverUs = scene.world.nowUs;
});

describe('a server that gives way to the snapshot of another one', () => {
  /** From before the first bytes come until the next life serves. */
  const moments = [-9_000, -3_000, -2_400, -1_800, -1_500, -1_200, -600, -300, 0, 300, 1_500];

  it.each(moments)(
    'and is told to end %i µs from when that is there, ends in order',
    async (us) => {
      const scene = await Scene.behind();
      const { world, victim } = scene;
      const { disk } = victim;
      await world.run(takesOverUs + us - world.nowUs);
      const { process } = victim;
      const toldUs = world.nowUs;
      victim.shutDown();
      await scene.until(() => victim.process !== process);
      expect(world.nowUs - toldUs).toBeLessThan(2_000_000);
      await world.run(50_000);
      expect(scene.hasSaid('ends error=null')).toBe(true);
      // Each directory is let go of once, and nobody touches it afterwards.
      expect(scene.released).toBe(scene.held);
      expect(disk.operations).toBe(scene.operationsThen);
      await scene.recovers();
    },
  );

  it('waits for space when it lacks some to begin anew', async () => {
    const scene = await Scene.behind();
    const { process } = scene.victim;
    // The snapshot fits; the files of the log that is to begin behind it do not.
    scene.fail('ENOSPC', 'write', /qlog/);
    await scene.until(() => scene.hasSaid(NO_SPACE));
    await scene.world.run(3_000_000);
    scene.failNoMore();
    await scene.recovers();
    expect(scene.victim.process).toBe(process);
  });

  it('ends when its disk fails meanwhile', async () => {
    const scene = await Scene.behind();
    await scene.world.run(takesOverUs - 2_000 - scene.world.nowUs);
    const { process } = scene.victim;
    scene.fail('EIO', 'sync', /./);
    await scene.until(() => scene.victim.process !== process);
    expect(scene.hasSaid('ends error=DiskError')).toBe(true);
  });
});

it('a server that is told to end does not wait for a disk that fails meanwhile, and says so', async () => {
  const scene = await Scene.behind();
  await scene.until(() => scene.hasSaid(TAKES_OVER));
  await scene.recovers();
  const { world, victim } = scene;
  const { process } = victim;
  // One write is under way for long, and behind it there are more.
  victim.speed.slowness = 100;
  scene.beginWriting(50);
  await world.run(20_000);
  victim.shutDown();
  scene.fail('EIO', 'write', /./);
  const toldUs = world.nowUs;
  await scene.until(() => victim.process !== process);
  expect(world.nowUs - toldUs).toBeLessThan(2_000_000);
  expect(scene.hasSaid('ends error=DiskError')).toBe(true);
});
