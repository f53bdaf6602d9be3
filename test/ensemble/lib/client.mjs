// A session that goes where a server answers, as a client library's does. What it does on a
// connection is up to the class that extends it.
import { dialAny } from './dial.mjs';
import { eventually, pauseMs } from './waiting.mjs';

/** A connection on which nothing has come for this part of the session's time-out is given up. */
const silentShare = 2 / 3;

export class Client {
  connection = null;
  failure = null;
  /** Connections after the first. */
  reconnects = 0;
  lastZxid = 0;
  #session = null;
  /** True while it finds out on a new connection what has become of its writes. */
  isBusy = false;
  #isOver = false;
  #preferred = null;
  #timer;

  constructor(ensemble, home, { timeoutMs = 6000, name = 'client' } = {}) {
    this.ensemble = ensemble;
    this.home = home;
    this.at = home;
    this.timeoutMs = timeoutMs;
    this.name = `${name} of server ${home}`;
  }

  get isOver() {
    return this.#isOver;
  }

  get session() {
    return this.#session;
  }

  async open() {
    await this.#dial(this.home);
    await this.onAttached(true);
    this.#timer = setInterval(() => this.#watch(), this.timeoutMs / 8);
    void this.#follow();
  }

  /** Called with each new connection. */
  async onAttached(_isFirst) {}

  fail(reason) {
    this.failure ??= `${this.name}: ${reason}`;
  }

  note(zxid) {
    if (zxid > this.lastZxid) this.lastZxid = zxid;
  }

  /** Back to the server that it was made for, by a connection lost between two of its writes. */
  async goHome() {
    this.#preferred = this.home;
    const { reconnects } = this;
    this.connection.drop();
    await eventually(
      `${this.name} is attached again`,
      () => this.failure !== null || (this.reconnects > reconnects && !this.isBusy),
    );
  }

  /** The connection goes, the session stays until it expires. */
  leave() {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.connection.drop();
  }

  async close() {
    this.#isOver = true;
    clearInterval(this.#timer);
    if (!this.connection.isClosed) await this.connection.closeSession();
  }

  async #dial(first) {
    const { timeoutMs, ensemble } = this;
    const options = { session: this.#session, lastZxid: this.lastZxid, timeoutMs };
    const { connection, id } = await dialAny(ensemble, first, {
      ...options,
      isOver: () => this.#isOver,
    });
    this.connection = connection;
    this.at = id;
    this.#session = { sessionId: connection.sessionId, password: connection.password };
  }

  #watch() {
    const { connection } = this;
    if (connection.isClosed) return;
    const silentMs = performance.now() - connection.heardMs;
    // Our own process stood still: what has come meanwhile waits in the socket.
    if (silentMs > this.timeoutMs * silentShare) setImmediate(() => this.#giveUp(connection));
    else connection.ping();
  }

  #giveUp(connection) {
    if (performance.now() - connection.heardMs > this.timeoutMs * silentShare) connection.drop();
  }

  #next() {
    const { ids } = this.ensemble;
    return ids[(ids.indexOf(this.at) + 1) % ids.length];
  }

  async #follow() {
    while (!this.#isOver) {
      await this.connection.closed;
      if (this.#isOver) return;
      try {
        await this.#dial(this.#preferred ?? this.#next());
        this.#preferred = null;
        this.isBusy = true;
        this.reconnects += 1;
        await this.onAttached(false);
        this.isBusy = false;
      } catch (error) {
        if (this.#isOver) return;
        // A connection lost while it was prepared is only the next to be replaced.
        if (error.message !== 'connection lost') {
          this.fail(error.message);
          return;
        }
        await pauseMs(20);
      }
    }
  }
}
