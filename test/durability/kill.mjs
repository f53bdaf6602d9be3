// Kills the server under load, again and again, and checks that it has lost nothing it promised.
//   node test/durability/kill.mjs [--rounds N] [--seed N] [--workers N] [--peer quoll|zookeeper]
//        [--binary FILE]
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  fourLetterWord,
  freePort,
  projectRoot,
  startServer,
  writeConfig,
} from '../interop/lib/servers.mjs';
import { Random } from './lib/random.mjs';
import { verifyShared } from './lib/shared.mjs';
import { Connection, Flag } from './lib/wire.mjs';
import { sequenceRoot, sharedRoot, Worker } from './lib/worker.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    workers: { type: 'string', default: '6' },
    peer: { type: 'string', default: 'quoll' },
    binary: { type: 'string', default: 'dist/quoll.js' },
  },
});

/** Small, so that snapshots are written and logs are cut while the load goes on. */
const settings = { snapCount: 1000, snapSizeLimitInKb: 512, preAllocSize: 256 };

function print(line) {
  writeSync(1, `${line}\n`);
}

function pauseMs(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

class Rounds {
  #random = new Random(Number(options.seed));
  #workers = [];
  /** The highest zxid that any reply has shown: the server must never be behind it. */
  #highestZxid = 0;
  #server = null;

  constructor(directory, port) {
    this.directory = directory;
    this.port = port;
    this.config = writeConfig(directory, port, settings);
  }

  async #start(wait = true) {
    const { binary } = options;
    this.#server = await startServer(options.peer, this.config, this.port, { binary, wait });
  }

  async prepare() {
    await this.#start();
    const setup = await Connection.open(this.port);
    for (const path of ['/load', sharedRoot, sequenceRoot]) {
      await setup.write({ kind: 'create', path, data: '', flags: Flag.persistent });
    }
    await setup.closeSession();
    for (let i = 0; i < Number(options.workers); i += 1) {
      const worker = new Worker(`w${i}`, new Random(this.#random.between(1, 2 ** 31)));
      this.#workers.push(worker);
      await worker.start(await Connection.open(this.port));
    }
  }

  async round() {
    const before = this.#sum('ackedCount');
    for (const worker of this.#workers) worker.startLoad(this.#random.between(1, 64));
    const how = this.#random.weighted({ kill: 10, term: 2, termThenKill: 2, killTwice: 3 });
    const afterMs = this.#random.between(20, 1500);
    await pauseMs(afterMs);
    await this.#end(how);
    for (const worker of this.#workers) worker.stopLoad();
    for (const worker of this.#workers) await worker.connection.closed;
    const startedAt = performance.now();
    await this.#start();
    const restartMs = Math.round(performance.now() - startedAt);
    await this.#verify();
    const acked = this.#sum('ackedCount') - before;
    return `${how} after ${afterMs} ms, ${acked} acknowledged, back in ${restartMs} ms`;
  }

  async #end(how) {
    const server = this.#server;
    server.kill(how.startsWith('term') ? 'SIGTERM' : 'SIGKILL');
    if (how === 'termThenKill') {
      await pauseMs(this.#random.between(0, 60));
      server.kill('SIGKILL');
    }
    await server.exited;
    if (how !== 'killTwice') return;
    // Recovery itself is interrupted too.
    await this.#start(false);
    await pauseMs(this.#random.between(10, options.peer === 'zookeeper' ? 900 : 250));
    this.#server.kill('SIGKILL');
    await this.#server.exited;
  }

  #sum(key) {
    return this.#workers.reduce((sum, worker) => sum + worker[key], 0);
  }

  async #verify() {
    for (const worker of this.#workers) {
      if (worker.failure !== null) throw new Error(worker.failure);
      this.#highestZxid = Math.max(this.#highestZxid, worker.lastZxid ?? 0);
    }
    // A server that is behind lastZxidSeen refuses the connection.
    for (const worker of this.#workers) await worker.reattach(this.port, this.#highestZxid);
    for (const worker of this.#workers) await worker.recover();
    const checker = await Connection.open(this.port, null, this.#highestZxid);
    const problems = await verifyShared(this.#workers, checker);
    if (problems.length > 0) throw new Error(problems.join('; '));
    await this.#verifyZxids(checker);
    await checker.closeSession();
    const renewed = this.#workers.filter(() => this.#random.chance(0.2));
    for (const worker of renewed) await worker.renewSession(this.port);
  }

  async #verifyZxids(checker) {
    const data = '';
    const probe = { kind: 'create', path: '/load/probe-', data, flags: Flag.sequential };
    const first = await checker.write(probe);
    if (first.zxid <= this.#highestZxid) {
      throw new Error(`zxid ${first.zxid} is given out after ${this.#highestZxid} was`);
    }
    this.#highestZxid = first.zxid;
    for (const worker of this.#workers) worker.lastZxid = first.zxid;
    const text = await fourLetterWord(this.port, 'srvr');
    const shown = Number.parseInt(/Zxid: (0x[0-9a-f]+)/.exec(text ?? '')?.[1] ?? '-1', 16);
    if (shown < first.zxid) throw new Error(`srvr shows zxid ${shown} after ${first.zxid}`);
  }

  summary() {
    const unknown = `${this.#sum('unknownCount')} unanswered at a crash`;
    const survived = `${this.#sum('survivedCount')} of them executed`;
    return `${this.#sum('ackedCount')} writes acknowledged, ${unknown}, ${survived}`;
  }

  async stop() {
    await this.#server?.stop();
  }
}

async function main() {
  const directory = join(projectRoot, '.tmp/durability', String(process.pid));
  mkdirSync(directory, { recursive: true });
  const rounds = new Rounds(directory, await freePort());
  const totals = { passed: 0, failed: 0 };
  print(`seed ${options.seed}`);
  try {
    await rounds.prepare();
    while (totals.passed < Number(options.rounds)) {
      const story = await rounds.round();
      totals.passed += 1;
      print(`ok   round ${totals.passed}: ${story}`);
    }
    print(rounds.summary());
  } catch (error) {
    totals.failed += 1;
    print(`FAIL round ${totals.passed + 1}, seed ${options.seed}: ${error.stack}`);
    print(`kept: ${directory}`);
  } finally {
    await rounds.stop();
  }
  if (totals.failed === 0) rmSync(directory, { recursive: true, force: true });
  print(`${totals.passed} passed, ${totals.failed} failed`);
  process.exit(totals.failed === 0 ? 0 : 1);
}

await main();
