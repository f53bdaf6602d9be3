// Reads what a probe writes, and watches it: its reads never go back, each change brings one
// event, in the order of the changes, and no read shows a change before its event has come.
import { Flag } from '../../durability/lib/wire.mjs';
import { Client } from './client.mjs';
import { pauseMs } from './waiting.mjs';

const readEveryMs = 15;

export class Observer extends Client {
  /** Of each connection: the zxid from which on it watched, and the events that came. */
  segments = [];
  readCount = 0;
  #mzxid = 0;
  #ephemeral;

  constructor(ensemble, home, path) {
    super(ensemble, home, { name: `observer of ${path}` });
    this.path = path;
    this.#ephemeral = `/probes/alive-${home}`;
  }

  async onAttached(isFirst) {
    const { connection, path } = this;
    if (isFirst) await this.#makeEphemeral();
    const segment = { after: null, events: [] };
    connection.onEvent = ({ zxid, type }) => {
      if (type === 3) segment.events.push(zxid);
    };
    await connection.addPersistentWatch(path);
    // Read behind the watch's registration: later changes must bring an event, all of them.
    segment.after = (await this.#read(connection)).stat.mzxid;
    this.segments.push(segment);
    void this.#poll(connection, segment);
  }

  async #makeEphemeral() {
    const write = { kind: 'create', path: this.#ephemeral, data: '', flags: Flag.ephemeral };
    const reply = await this.connection.write(write);
    if (reply.err !== 0) throw new Error(`create ${this.#ephemeral}: code ${reply.err}`);
  }

  async #read(connection) {
    const node = await connection.getData(this.path);
    if (node === null) throw new Error(`${this.path} is gone`);
    if (node.stat.mzxid < this.#mzxid) {
      this.fail(`reads zxid ${node.stat.mzxid} after ${this.#mzxid}`);
    }
    this.#mzxid = node.stat.mzxid;
    this.note(connection.lastZxid);
    this.readCount += 1;
    return node;
  }

  async #poll(connection, segment) {
    try {
      while (!this.isOver && !connection.isClosed && this.failure === null) {
        const { stat } = await this.#read(connection);
        if (stat.mzxid > segment.after && segment.events.at(-1) < stat.mzxid) {
          this.fail(`reads zxid ${stat.mzxid} when the last event was ${segment.events.at(-1)}`);
        }
        await pauseMs(readEveryMs);
      }
    } catch (error) {
      if (error.message !== 'connection lost') this.fail(error.message);
    }
  }

  /** All events of the connections so far against the writes of the probe. */
  async verify(zxids, reader) {
    if (!this.connection.isClosed) await this.connection.sync().catch(() => {});
    for (const segment of this.segments) this.#verifySegment(segment, zxids);
    const node = await reader.getData(this.#ephemeral);
    if (node === null) this.fail('its session lives, its ephemeral is gone');
    else if (node.stat.owner !== this.session.sessionId)
      this.fail('its ephemeral has changed hands');
  }

  #verifySegment(segment, zxids) {
    const isLast = segment === this.segments.at(-1) && !this.connection.isClosed;
    const due = zxids.filter((zxid) => zxid > segment.after);
    // Between the registration and the read behind it a change may have come with its event.
    const events = segment.events.filter((zxid) => zxid > segment.after);
    // On a connection that is gone the last events may be lost, none in the middle.
    const wanted = isLast ? due : due.slice(0, events.length);
    const at = wanted.findIndex((zxid, index) => events[index] !== zxid);
    if (at < 0 && events.length === wanted.length) return;
    const index = at < 0 ? wanted.length : at;
    this.fail(
      `event ${index} of ${events.length} is of zxid ${events[index]}, change ${index} of ` +
        `${wanted.length} of zxid ${wanted[index]}`,
    );
  }
}
