// The clients of one scenario: at each server a worker with many writes under way, a probe with
// one, and an observer of that probe or another.
import { readTree } from '../../durability/lib/compare.mjs';
import { Random } from '../../durability/lib/random.mjs';
import { verifyShared } from '../../durability/lib/shared.mjs';
import { Flag } from '../../durability/lib/wire.mjs';
import { sequenceRoot, sharedRoot } from '../../durability/lib/worker.mjs';
import { dialOne } from './dial.mjs';
import { Loader } from './loader.mjs';
import { Observer } from './observer.mjs';
import { Probe } from './probe.mjs';
import { eventually, pauseMs } from './waiting.mjs';

export class Crowd {
  loaders = [];
  probes = [];
  observers = [];
  #ensemble;
  #random;

  constructor(ensemble, random) {
    this.#ensemble = ensemble;
    this.#random = random;
  }

  get clients() {
    return [...this.loaders, ...this.probes, ...this.observers];
  }

  get ackedCount() {
    const writers = [...this.loaders.map(({ worker }) => worker), ...this.probes];
    return writers.reduce((sum, { ackedCount }) => sum + ackedCount, 0);
  }

  /** Bytes of data in the writes that were acknowledged. */
  get sentBytes() {
    return this.loaders.reduce((sum, { worker }) => sum + worker.ackedBytes, 0);
  }

  get reconnects() {
    return this.clients.reduce((sum, { reconnects }) => sum + reconnects, 0);
  }

  async open(ids = this.#ensemble.ids) {
    await this.openProbes(ids);
    for (const [index, id] of ids.entries()) {
      const seed = this.#random.between(1, 2 ** 31);
      this.loaders.push(new Loader(this.#ensemble, id, `w${id}`, new Random(seed)));
      const { path } = this.probes[index];
      // At the next server: what is written here is read there.
      this.observers.push(new Observer(this.#ensemble, ids[(index + 1) % ids.length], path));
    }
    for (const client of [...this.loaders, ...this.observers]) {
      await this.#isUpToDate(client.home);
      await client.open();
    }
  }

  /** Only the clients that write one after the other. */
  async openProbes(ids = this.#ensemble.ids) {
    await this.#makeParents(ids[0]);
    for (const id of ids) {
      const probe = new Probe(this.#ensemble, id, `/probes/p${id}`);
      this.probes.push(probe);
      await this.#isUpToDate(id);
      await probe.open();
    }
  }

  /** A follower may not have heard yet of what another client has just made. */
  async #isUpToDate(id) {
    const setup = await dialOne(this.#ensemble, id);
    await setup.sync();
    await setup.closeSession();
  }

  async #makeParents(id) {
    const setup = await dialOne(this.#ensemble, id);
    for (const path of ['/load', sharedRoot, sequenceRoot, '/probes']) {
      await setup.write({ kind: 'create', path, data: '', flags: Flag.persistent });
    }
    await setup.closeSession();
  }

  start() {
    for (const loader of this.loaders) loader.startLoad(this.#random.between(1, 32));
    for (const probe of this.probes) probe.start();
  }

  /** Acknowledged writes a second, measured from now on. */
  async rate(windowMs = 500) {
    const before = this.ackedCount;
    const startedMs = performance.now();
    await pauseMs(windowMs);
    return Math.round(((this.ackedCount - before) * 1000) / (performance.now() - startedMs));
  }

  /** Waits until each probe and worker has been answered again. */
  async allAnswered(limitMs = 20_000) {
    const writers = [...this.loaders.map(({ worker }) => worker), ...this.probes];
    const before = writers.map(({ ackedCount }) => ackedCount);
    await eventually(
      'every client is answered again',
      () => this.failures().length > 0 || writers.every((w, i) => w.ackedCount > before[i]),
      limitMs,
    );
  }

  /** The longest gap that a client of one of these servers has seen since this was asked last. */
  takeGapMs(ids) {
    const gaps = this.probes.map((probe) => [probe.home, probe.takeGapMs()]);
    return Math.max(...gaps.filter(([home]) => ids.includes(home)).map(([, gap]) => gap));
  }

  failures() {
    return this.clients.map(({ failure }) => failure).filter((failure) => failure !== null);
  }

  /** Stops the load, and compares all that clients were told with all that is there. */
  async verify() {
    await Promise.all([...this.loaders, ...this.probes].map((writer) => stop(writer)));
    if (this.failures().length > 0) return this.failures();
    const reader = await this.#reader();
    for (const loader of this.loaders) await loader.verify();
    for (const probe of this.probes) await probe.verify(reader);
    for (const observer of this.observers) {
      const probe = this.probes.find(({ path }) => path === observer.path);
      await observer.verify(probe.zxids, reader);
    }
    const workers = this.loaders.map(({ worker }) => worker);
    const problems = await verifyShared(workers, reader);
    await reader.closeSession();
    return [...this.failures(), ...problems];
  }

  async #reader() {
    const seen = Math.max(...this.clients.map(({ lastZxid }) => lastZxid));
    const id = this.#random.pick(this.#ensemble.runningIds);
    const reader = await dialOne(this.#ensemble, id);
    await reader.sync();
    if (reader.lastZxid < seen) {
      throw new Error(`after sync server ${id} is at ${reader.lastZxid}, clients saw ${seen}`);
    }
    return reader;
  }

  /** Clients that have fled from their server go back to it. */
  async goHome() {
    for (const client of this.clients) {
      if (client.at === client.home) continue;
      await client.goHome();
    }
  }

  async tree(path, id) {
    const reader = await dialOne(this.#ensemble, id);
    await reader.sync();
    const tree = await readTree(reader, path);
    await reader.closeSession();
    return tree;
  }

  async close() {
    await Promise.all(this.clients.map((client) => client.close().catch(() => {})));
  }
}

function stop(writer) {
  return writer instanceof Loader ? writer.stopLoad() : writer.stop();
}
