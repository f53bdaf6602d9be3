// Writes one after the other to a node of its own, and knows what each must answer: the version
// goes up by one with each write that took effect, and by no other.
import { Client } from './client.mjs';
import { pauseMs } from './waiting.mjs';

export class Probe extends Client {
  ackedCount = 0;
  /** The zxids of all writes that are known to have taken effect, in order. */
  zxids = [];
  #version = 0;
  #lastAckMs = performance.now();
  #longestGapMs = 0;
  #isWriting = false;
  #loop = null;

  constructor(ensemble, home, path) {
    super(ensemble, home, { name: `probe ${path}` });
    this.path = path;
  }

  async onAttached(isFirst) {
    if (!isFirst) return;
    const data = '';
    const { path } = this;
    const reply = await this.connection.write({ kind: 'create', path, data, flags: 0 });
    if (reply.err !== 0) throw new Error(`create ${path}: code ${reply.err}`);
    this.note(reply.zxid);
  }

  /** Writes until `stop`. */
  start() {
    this.#isWriting = true;
    this.#lastAckMs = performance.now();
    this.#loop = this.#run();
  }

  async stop() {
    this.#isWriting = false;
    await this.#loop;
  }

  /** The longest time without an acknowledgement since this was asked last, up to now. */
  takeGapMs() {
    const gapMs = Math.max(this.#longestGapMs, performance.now() - this.#lastAckMs);
    this.#longestGapMs = 0;
    return Math.round(gapMs);
  }

  async #run() {
    while (this.#isWriting && this.failure === null) {
      const { connection } = this;
      if (connection.isClosed) {
        await pauseMs(2);
        continue;
      }
      try {
        await this.#writeOne(connection);
      } catch (error) {
        if (error.message !== 'connection lost') this.fail(error.message);
        else await this.#findOut();
      }
    }
  }

  async #writeOne(connection) {
    const data = `${this.#version + 1}`;
    const reply = await connection.write({ kind: 'set', path: this.path, data, version: -1 });
    if (reply.err !== 0) throw new Error(`set: code ${reply.err}`);
    const version = Number(reply.body.readInt32BE(32));
    if (version !== this.#version + 1) {
      this.fail(`version ${version} is acknowledged, should be ${this.#version + 1}`);
    }
    this.#took(reply.zxid);
    this.ackedCount += 1;
    const nowMs = performance.now();
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastAckMs);
    this.#lastAckMs = nowMs;
  }

  #took(zxid) {
    if (zxid <= this.lastZxid) this.fail(`zxid ${zxid} comes after ${this.lastZxid}`);
    this.#version += 1;
    this.zxids.push(zxid);
    this.note(zxid);
  }

  /** On the next connection: whether the write without an answer took effect, once or not at all. */
  async #findOut() {
    for (;;) {
      if (this.failure !== null || this.isOver) return;
      const { connection } = this;
      const node = await (connection.isClosed
        ? pauseMs(2).then(() => undefined)
        : connection.getData(this.path).catch(() => undefined));
      if (node === undefined) continue;
      if (node === null) this.fail('its node is gone');
      else this.#compare(node);
      return;
    }
  }

  #compare({ data, stat }) {
    const { version, mzxid } = stat;
    if (version === this.#version + 1 && data === `${version}`) this.#took(mzxid);
    else if (version !== this.#version) {
      this.fail(`version ${version} after a reconnect, ${this.#version} were acknowledged`);
    }
  }

  /** What another session must find. */
  async verify(reader) {
    const node = await reader.getData(this.path);
    if (
      node?.stat.version === this.#version &&
      node.stat.mzxid === (this.zxids.at(-1) ?? node.stat.mzxid)
    )
      return;
    this.fail(`others see version ${node?.stat.version}, it wrote ${this.#version}`);
  }
}
