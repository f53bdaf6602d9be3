import { createHash } from 'node:crypto';
import { Writer } from '../../src/base/writer.ts';
import type { Clock } from '../../src/io/clock.ts';
import type { Stream, StreamHandler } from '../../src/io/network.ts';
import { NodeSecrets } from '../../src/io/node/secrets.ts';
import type { ChainHash } from '../../src/paxos/entry.ts';
import { Paxos } from '../../src/paxos/paxos.ts';
import { loneOptions } from '../../src/paxos/testing/lone.ts';
import { Op } from '../../src/protocol/constants.ts';
import { NO_PEERS } from '../../src/replica/peer-port.ts';
import { Replica } from '../../src/replica/replica.ts';
import { SessionIds } from '../../src/replica/session-ids.ts';
import { Connection } from '../../src/server/connection.ts';
import { connectRequest, request } from '../../src/server/server.test-helper.ts';
import { createServerContext } from '../../src/server/test-context.test-helper.ts';
import { State } from '../../src/state/state.ts';

const DEPTH = 16;
const VALUE = 'v'.repeat(100);

/** A clock whose turns the workload ends itself, without allocating. */
class StillClock implements Clock {
  private task: (() => void) | null = null;
  private next: (() => void) | null = null;
  wallMs(): number {
    return 1_700_000_000_000;
  }
  monotonicMs(): number {
    return 1;
  }
  afterTurn(task: () => void): void {
    if (this.task === null) this.task = task;
    else this.next = task;
  }
  every(): () => void {
    return () => {};
  }
  after(): () => void {
    return () => {};
  }
  settle(): void {
    while (this.task !== null) {
      const task = this.task;
      this.task = this.next;
      this.next = null;
      task();
    }
  }
}

/**
 * One connection against the whole server without socket and disk, so that what it allocates and
 * copies per operation is the same on every machine.
 */
export class Workload {
  private readonly clock = new StillClock();
  private readonly handler: StreamHandler;
  bytesSent = 0;

  constructor() {
    const { clock } = this;
    const chain: ChainHash = (previous, _slot, _round, _kind, _replica, body) =>
      createHash('sha256').update(previous).update(body).digest();
    const state = new State({ seed: [1, 2] });
    const replica = new Replica({
      state,
      serverId: 1,
      paxos: new Paxos(loneOptions(chain)),
      store: {
        append: (_entries, _decidedSlot, done) => clock.afterTurn(() => done(null)),
        saveState: (_state, done) => clock.afterTurn(() => done(null)),
        adopt: (_adoption, done) => clock.afterTurn(() => done(null)),
      },
      peers: NO_PEERS,
      firstNumber: 0,
      identityOf: () => undefined,
      clock,
      sessionIds: new SessionIds(1, 1_700_000_000_000),
      tickTimeMs: 2_000,
      flags: 0,
      onFatal: (error) => {
        throw error;
      },
      onApplied: () => {},
    });
    const stream: Stream = {
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      write: (bytes) => {
        this.bytesSent += bytes.length;
        return true;
      },
      pause: () => {},
      resume: () => {},
      end: () => {},
      destroy: () => {},
    };
    const context = createServerContext(replica, new NodeSecrets());
    this.handler = new Connection(context, stream, () => {});
    this.send(connectRequest());
    this.send(request(1, Op.create, create('/k', 0)));
  }

  /** Runs `count` operations, sixteen to a turn. */
  run(name: string, count: number): void {
    const burst = BURSTS[name];
    if (burst === undefined) throw new Error(`no workload ${name}`);
    for (let done = 0; done < count; done += DEPTH) this.send(burst);
  }

  private send(bytes: Uint8Array): void {
    this.handler.onData(bytes);
    this.clock.settle();
  }
}

function create(path: string, flags: number): (writer: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    writer.ustring(VALUE);
    writer.i32(1);
    writer.i32(31);
    writer.ustring('world');
    writer.ustring('anyone');
    writer.i32(flags);
  };
}

function repeated(...frames: Uint8Array[]): Uint8Array {
  const writer = new Writer();
  for (let i = 0; i < DEPTH; i++) writer.raw(frames[i % frames.length] as Uint8Array);
  return writer.written().slice();
}

const get = request(2, Op.getData, (writer) => {
  writer.ustring('/k');
  writer.bool(false);
});
const set = request(3, Op.setData, (writer) => {
  writer.ustring('/k');
  writer.ustring(VALUE);
  writer.i32(-1);
});
const remove = request(4, Op.delete, (writer) => {
  writer.ustring('/e');
  writer.i32(-1);
});

const BURSTS: Record<string, Uint8Array> = {
  get: repeated(get),
  set: repeated(set),
  'create and delete': repeated(request(5, Op.create, create('/e', 1)), remove),
  'get after set': repeated(set, get),
  ping: repeated(request(-2, Op.ping)),
};

export const WORKLOADS: readonly string[] = Object.keys(BURSTS);
