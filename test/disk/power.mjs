// The power goes, again and again, on a disk that keeps what was synced and little else: every
// acknowledged write must be there afterwards. The same without forceSync must lose something, or
// the test proves nothing.
import { Random } from '../durability/lib/random.mjs';
import { Connection, Flag } from '../durability/lib/wire.mjs';
import { sequenceRoot, sharedRoot, Worker } from '../durability/lib/worker.mjs';
import { compileShim, Device } from './lib/device.mjs';
import { Place, pauseMs } from './lib/place.mjs';

const workerCount = 4;
const controlRounds = 6;
/** Small, so that segments and snapshots come and go while the load goes on. */
const settings = { snapSizeLimitInKb: 768 };
const orders = [
  ['kill', 'dsync', '.qlog', 300],
  ['tear', 'dsync', '.qlog', 300],
  ['kill', 'create', '.tmp', 4],
  ['kill', 'write', '.tmp', 60],
  ['kill', 'fsync', '.tmp', 6],
  ['kill', 'rename', 'quoll', 4],
  ['kill', 'dirsync', 'quoll', 6],
  ['kill', 'unlink', 'quoll', 3],
];

class Rounds {
  #random;
  #workers = [];
  #shim;
  #highestZxid = 0;

  constructor(place, shim, seed) {
    this.place = place;
    this.#shim = shim;
    this.#random = new Random(seed);
  }

  get ackedCount() {
    return this.#workers.reduce((sum, worker) => sum + worker.ackedCount, 0);
  }

  async prepare() {
    await this.place.start();
    const setup = await Connection.open(this.place.port);
    for (const path of ['/load', sharedRoot, sequenceRoot]) {
      await setup.write({ kind: 'create', path, data: '', flags: Flag.persistent });
    }
    for (let i = 0; i < workerCount; i += 1) {
      const worker = new Worker(`w${i}`, new Random(this.#random.between(1, 2 ** 31)));
      this.#workers.push(worker);
      await worker.start(await Connection.open(this.place.port));
    }
    await setup.closeSession();
    await this.place.kill();
    await this.#workersLose();
  }

  #device(earlyPercent) {
    const seed = this.#random.between(1, 2 ** 31);
    const device = new Device(this.#shim, this.place.dataDirectory, seed);
    device.earlyPercent = earlyPercent;
    device.prime();
    return device;
  }

  /** Load, power cut, recovery; throws when something acknowledged is not there. */
  async round(earlyPercent) {
    const device = this.#device(earlyPercent);
    await this.place.start({ wrapper: device.wrapper });
    await this.#attach();
    const before = this.ackedCount;
    for (const worker of this.#workers) worker.startLoad(this.#random.between(1, 32));
    const how = await this.#end(device);
    await this.#workersLose();
    device.cutPower();
    await this.place.start();
    await this.#attach();
    for (const worker of this.#workers) await worker.recover();
    await this.#learnSequence();
    const acked = this.ackedCount - before;
    await this.place.kill();
    await this.#workersLose();
    return `${how}, ${acked} acknowledged`;
  }

  async #end(device) {
    if (this.#random.chance(0.4)) {
      const afterMs = this.#random.between(100, 1500);
      await pauseMs(afterMs);
      await this.place.kill();
      return `killed after ${afterMs} ms`;
    }
    const [action, operation, part, most] = this.#random.pick(orders);
    const count = this.#random.between(1, most);
    await pauseMs(this.#random.between(0, 300));
    device.order(action, operation, part, count);
    const exit = await this.place.ended(4000);
    if (exit !== null && exit !== 'SIGKILL') throw new Error(`the server ended with ${exit}`);
    await this.place.kill();
    const inTime = exit === null ? ' (never came)' : '';
    return `${action} at ${operation} ${count} of ${part}${inTime}`;
  }

  async #workersLose() {
    for (const worker of this.#workers) {
      worker.stopLoad();
      await worker.connection.closed;
      if (worker.failure !== null) throw new Error(worker.failure);
      this.#highestZxid = Math.max(this.#highestZxid, worker.lastZxid ?? 0);
    }
  }

  async #attach() {
    for (const worker of this.#workers) await worker.reattach(this.place.port, this.#highestZxid);
  }

  /** Paths of sequential nodes whose reply never came; the next writes delete by them. */
  async #learnSequence() {
    const connection = await Connection.open(this.place.port);
    const tree = new Map();
    const { names } = await connection.getChildren(sequenceRoot);
    for (const name of names) {
      const path = `${sequenceRoot}/${name}`;
      const node = await connection.getData(path);
      if (node !== null) tree.set(path, node);
    }
    for (const worker of this.#workers) worker.learnPaths(tree);
    await connection.closeSession();
  }
}

async function keepsAll(report, shim, parameters, earlyPercent) {
  const { binary, seed, rounds: count } = parameters;
  const name = `early-${earlyPercent}`;
  const place = await Place.create(`power-${name}`, binary, settings);
  const rounds = new Rounds(place, shim, seed + earlyPercent);
  const problems = [];
  try {
    await rounds.prepare();
    for (let i = 1; i <= count; i += 1) {
      report.progress(`round ${i} of ${count}: ${await rounds.round(earlyPercent)}`);
    }
  } catch (error) {
    problems.push(`seed ${seed}: ${error.message}`, `kept: ${place.directory}`);
  }
  const what = `${count} power cuts, ${earlyPercent} % of what is unsynced survives`;
  report.check(`${what}: ${rounds.ackedCount} acknowledged writes are all there`, problems);
  await place.dispose(problems.length > 0);
}

/** Without forceSync something must be lost, or the shim does not bite. */
async function losesWithoutSync(report, shim, { binary, seed }) {
  const place = await Place.create('power-control', binary, { ...settings, forceSync: 'no' });
  const rounds = new Rounds(place, shim, seed);
  let loss = null;
  try {
    await rounds.prepare();
    for (let i = 1; i <= controlRounds; i += 1) {
      report.progress(`control round ${i}: ${await rounds.round(0)}`);
    }
  } catch (error) {
    loss = error.message.split('\n')[0];
    report.progress(`control: ${loss}`);
  }
  const problem = `nothing was lost in ${controlRounds} rounds, seed ${seed}`;
  report.check('the shim bites: forceSync=no loses acknowledged writes', [
    /refuses the connection|no prefix|is unknown after/.test(loss ?? '') ? null : (loss ?? problem),
  ]);
  await place.dispose();
}

export async function run(report, parameters) {
  const place = await Place.create('shim', parameters.binary);
  const shim = compileShim(place.directory);
  if (shim === null) {
    report.miss('power cuts', 'cc, to compile the shim');
    return;
  }
  await losesWithoutSync(report, shim, parameters);
  await keepsAll(report, shim, parameters, 0);
  await keepsAll(report, shim, parameters, 35);
  await place.dispose();
}
