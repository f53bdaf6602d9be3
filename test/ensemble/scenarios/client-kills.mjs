// Quoll's own client writes while one server after the other is killed. Each write makes a
// sequential znode, so that one that was carried out twice would be seen twice.

import { withEnsemble } from '../lib/scenario.mjs';
import { eventually } from '../lib/waiting.mjs';

/** Writes that are pipelined before their answers are waited for. */
const window = 20;
const killsPerCheck = 50;
/** All the names of so many kills come in one reply. */
const maxFrameBytes = 67_108_864;

class Writer {
  #zk;
  #isOver = false;
  #running = null;
  #count = 0;
  #errors;
  acked = new Set();
  inDoubt = new Set();
  notSent = new Set();
  problems = [];

  constructor(zk, errors) {
    this.#zk = zk;
    this.#errors = errors;
  }

  start() {
    this.#isOver = false;
    this.#running = this.#run();
  }

  stop() {
    this.#isOver = true;
    return this.#running;
  }

  async #run() {
    while (!this.#isOver) {
      await Promise.all(Array.from({ length: window }, () => this.#write(`w${this.#count++}-`)));
    }
  }

  async #write(name) {
    try {
      await this.#zk.create(`/n/${name}`, '', { sequential: true });
      this.acked.add(name);
    } catch (error) {
      if (!(error instanceof this.#errors.ConnectionLossError)) {
        this.problems.push(`${name}: ${error}`);
      }
      (error.isOutcomeUnknown ? this.inDoubt : this.notSent).add(name);
    }
  }

  /** Forgets all that was written, here and there. */
  async clear() {
    await this.#zk.deleteRecursive('/n', { timeoutMs: 600_000 });
    await this.#zk.create('/n');
    for (const names of [this.acked, this.inDoubt, this.notSent]) names.clear();
  }

  /** What the znodes say of what the client was told. */
  async verify() {
    await this.#zk.sync();
    const times = new Map();
    for (const child of await this.#zk.getChildren('/n')) {
      const name = child.slice(0, child.indexOf('-') + 1);
      times.set(name, (times.get(name) ?? 0) + 1);
    }
    const wrong = (names, isRight, what) =>
      [...names].filter((name) => !isRight(times.get(name) ?? 0)).map((name) => `${name} ${what}`);
    return [
      ...this.problems,
      ...wrong(this.acked, (count) => count === 1, 'was acknowledged, and is not there once'),
      ...wrong(this.inDoubt, (count) => count <= 1, 'was in doubt, and is there twice'),
      ...wrong(this.notSent, (count) => count === 0, 'was not sent, and is there'),
    ];
  }
}

async function killOne({ ensemble, random, writer }) {
  const victim = random.pick(ensemble.ids);
  const acked = writer.acked.size;
  await ensemble.kill(victim);
  await eventually('writes go on', () => writer.acked.size > acked + window, 20_000, 5);
  await ensemble.start(victim);
}

export async function run(context) {
  const { report, random, kills } = context;
  const client = await import('../../../dist/client.js');
  await withEnsemble(context, 'client-kills', {}, async (ensemble) => {
    const zk = await client.connect(ensemble.connectString, { maxFrameBytes });
    const { sessionId } = zk;
    const lost = [];
    zk.onState(({ state }) => {
      if (state === 'lost' || state === 'closed') lost.push(`the session is ${state}`);
    });
    await zk.create('/n');
    await zk.create('/ephemeral', '', { mode: 'ephemeral' });
    const writer = new Writer(zk, client);
    for (let done = 0; done < kills; ) {
      writer.start();
      const upTo = Math.min(kills, done + killsPerCheck);
      for (; done < upTo; done += 1) await killOne({ ensemble, random, writer });
      await writer.stop();
      const owner = (await zk.exists('/ephemeral'))?.ephemeralOwner;
      const isAlive = zk.sessionId === sessionId && owner === sessionId;
      const { acked, inDoubt, notSent } = writer;
      const title = `${done} servers killed, ${acked.size} writes`;
      const problems = [...lost, ...(await writer.verify()), isAlive ? null : 'another session'];
      if (!report.check(title, problems)) break;
      report.note(`${inDoubt.size} writes in doubt, ${notSent.size} not sent`);
      await writer.clear();
    }
    await zk.close();
  });
}
