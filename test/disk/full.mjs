// The disk is full: writes are refused, reads go on, sessions live, and all is well again once
// there is space. The disk is a small tmpfs of the test's own.
import { Connection } from '../durability/lib/wire.mjs';
import { Ledger } from './lib/ledger.mjs';
import { eventually, Place, pauseMs } from './lib/place.mjs';
import { SmallDisk } from './lib/small-disk.mjs';

/** Together with what the server lays out ahead it leaves some 25 MB for the log. */
const ballastMegabytes = 52;
const sessionTimeoutMs = 4000;
const fullMs = 1.5 * sessionTimeoutMs;

/** A session that does nothing but ping. */
class Idler {
  static async open(port) {
    const idler = new Idler();
    idler.connection = await Connection.open(port, null, 0, sessionTimeoutMs);
    idler.timer = setInterval(() => idler.connection.ping(), sessionTimeoutMs / 4);
    return idler;
  }

  stop() {
    clearInterval(this.timer);
    this.connection.drop();
  }
}

async function problemsOfReads(connection, count) {
  for (let i = 0; i < count; i += 1) {
    const started = performance.now();
    const node = await connection.getData('/ledger/w0');
    const tookMs = Math.round(performance.now() - started);
    if (node === null) return ['a node that was acknowledged can not be read'];
    if (tookMs > 2000) return [`a read took ${tookMs} ms`];
  }
  return [];
}

class Scenario {
  constructor(report, place, disk) {
    this.report = report;
    this.place = place;
    this.disk = disk;
    this.ledger = new Ledger(place.port, { writers: 4, depth: 8, dataBytes: 20_000 });
  }

  async prepare() {
    this.disk.fill(ballastMegabytes);
    await this.place.start();
    await this.ledger.prepare();
    this.reader = await Connection.open(this.place.port);
    this.idler = await Idler.open(this.place.port);
  }

  async fillsUp(name) {
    this.ledger.forgetRefusals();
    const before = this.ledger.ackedCount;
    await this.ledger.start({ stopAtRefusal: true });
    const isRefused = await eventually(() => this.ledger.isRefusedByAll, 60_000);
    const isSettled = await this.ledger.stop();
    const { ackedCount, refusalCodes } = this.ledger;
    const free = this.disk.freeMegabytes;
    const isHealthy = await problemsOfReads(this.reader, 20);
    this.report.check(`${name}: writes are refused with an error, reads go on`, [
      isRefused ? null : `no refusal after ${ackedCount - before} writes, ${free} MB free`,
      refusalCodes.some((code) => code !== -1) ? `codes ${refusalCodes}, want -1` : null,
      isSettled ? null : 'writes under way are not answered',
      ...isHealthy,
    ]);
    this.report.progress(`full after ${ackedCount - before} writes, ${free} MB free`);
  }

  async sessionsLive() {
    await pauseMs(fullMs);
    const { connection } = this.idler;
    const problems = connection.isClosed ? ['the session that pings was closed'] : [];
    if (problems.length === 0) problems.push(...(await problemsOfReads(connection, 5)));
    this.report.check(`a session that pings lives on a full disk for ${fullMs} ms`, problems);
  }

  saysWhatToDo() {
    const line = this.place.log.split('\n').find((text) => /space/i.test(text));
    const isAdvice = /make (room|space)|free (some )?space|delete|enlarge/i.test(line ?? '');
    const problem = line === undefined ? 'no line about space' : `no advice in: ${line}`;
    this.report.check('the log says what to do', [isAdvice ? null : problem]);
  }

  async comesBack(name) {
    this.disk.makeSpace();
    const started = performance.now();
    const isBack = await eventually(async () => {
      const reply = await this.reader.write({ kind: 'set', path: '/', data: 'x', version: -1 });
      return reply.err === 0;
    }, 10_000);
    const tookMs = Math.round(performance.now() - started);
    this.ledger.forgetRefusals();
    const before = this.ledger.ackedCount;
    await this.ledger.start();
    await eventually(() => this.ledger.ackedCount > before + 100, 10_000);
    await this.ledger.stop();
    this.report.check(`${name}: writes come back when there is space`, [
      isBack ? null : 'still refused after 10 s',
      this.ledger.refusedCount === 0 ? null : `${this.ledger.refusedCount} refused later`,
      this.ledger.ackedCount > before + 100 ? null : 'the writers get no answers',
    ]);
    this.report.progress(`writes came back after ${tookMs} ms`);
  }

  /** SIGKILL on a full disk, and a start on it. */
  async restartsFull() {
    this.disk.fill();
    await this.place.kill();
    this.idler.stop();
    await this.place.start({ wait: false });
    const isServing = await eventually(async () => {
      this.reader = await Connection.open(this.place.port).catch(() => null);
      return this.reader !== null;
    }, 15_000);
    const exit = this.place.server.exit;
    const problems = isServing ? await problemsOfReads(this.reader, 5) : [`not serving (${exit})`];
    this.report.check('it starts and is read on a full disk after SIGKILL', problems);
    if (!isServing) {
      this.disk.makeSpace();
      await this.place.dispose(true);
      await this.place.start();
      this.reader = await Connection.open(this.place.port);
    }
  }

  async keepsAll(name) {
    await this.place.kill();
    await this.place.start();
    this.report.check(`${name}: nothing acknowledged is lost`, await this.ledger.problems());
    this.reader = await Connection.open(this.place.port);
  }

  async stopsInOrder() {
    this.disk.fill();
    this.place.server.kill('SIGTERM');
    const exit = await this.place.ended(20_000);
    this.report.check('SIGTERM ends it on a full disk', [
      exit === 'code 0' ? null : `it ended with ${exit}`,
    ]);
    this.disk.makeSpace();
    if (exit === null) await this.place.kill();
    await this.place.start();
    const problems = await this.ledger.problems();
    this.report.check('nothing acknowledged is lost after that', problems);
  }
}

async function runWith(report, binary, name, settings) {
  const place = await Place.create(`full-${name.replaceAll(' ', '-')}`, binary, settings);
  const disk = new SmallDisk(place.dataDirectory);
  const why = disk.mount();
  if (why !== null) {
    report.miss('disk full', `mount of a tmpfs: ${why}`);
    return;
  }
  const scenario = new Scenario(report, place, disk);
  const failedBefore = report.failed;
  try {
    await scenario.prepare();
    await scenario.fillsUp(`${name}, first time`);
    await scenario.sessionsLive();
    scenario.saysWhatToDo();
    await scenario.comesBack(`${name}, first time`);
    disk.fill();
    await scenario.fillsUp(`${name}, second time`);
    await scenario.restartsFull();
    await scenario.comesBack(`${name}, after the restart`);
    await scenario.keepsAll(`${name}, after SIGKILL`);
    await scenario.stopsInOrder();
  } finally {
    scenario.idler?.stop();
    await place.dispose(true);
    disk.unmount();
    await place.dispose(report.failed > failedBefore);
  }
}

export async function run(report, { binary }) {
  // Without a snapshot in between it is the log that meets the end of the disk.
  await runWith(report, binary, 'log only', {});
  await runWith(report, binary, 'with snapshots', { snapSizeLimitInKb: 4096 });
}
