// A worker of test/durability on a session that moves: after each reconnect its tree must be what
// some prefix of its writes makes, which holds all that was acknowledged.
import { Worker } from '../../durability/lib/worker.mjs';
import { Client } from './client.mjs';
import { eventually } from './waiting.mjs';

const settleMs = 30_000;

export class Loader extends Client {
  #worker;
  #depth = 0;

  constructor(ensemble, home, name, random) {
    super(ensemble, home, { name: `worker ${name}` });
    this.#worker = new Worker(name, random);
  }

  get worker() {
    return this.#worker;
  }

  async onAttached(isFirst) {
    if (isFirst) {
      await this.#worker.start(this.connection);
      return;
    }
    this.#worker.attached(this.connection);
    await this.#worker.recover();
    this.isBusy = false;
    if (this.#depth > 0) this.#worker.startLoad(this.#depth);
  }

  startLoad(depth) {
    this.#depth = depth;
    if (!this.connection.isClosed && !this.isBusy) this.#worker.startLoad(depth);
  }

  /** Every write is answered, or its fate found out. */
  async stopLoad() {
    this.#depth = 0;
    this.#worker.stopLoad();
    const isSettled = () =>
      this.failure !== null ||
      this.#worker.failure !== null ||
      (!this.connection.isClosed && !this.isBusy && this.#worker.pendingCount === 0);
    await eventually(`${this.name} has all answers`, isSettled, settleMs);
    this.failure ??= this.#worker.failure;
  }

  async verify() {
    if (this.failure === null) await this.#worker.recover();
  }
}
