import { describe, expect, it } from 'vitest';
import { Prng } from '../../base/prng.ts';
import { Writer } from '../../base/writer.ts';
import { Op } from '../../protocol/constants.ts';
import { Call } from './call.ts';
import type { Delivery } from './deliveries.ts';
import { ModelConnection, ModelServer } from './model-server.test-helper.ts';
import { Session } from './session.ts';
import type { WatchEvent, WatchTarget } from './watch-table.ts';

const RUNS = Number(process.env.QUOLL_FUZZ_COUNT ?? 300);
const STEPS = 400;
const PATHS = ['/a', '/b', '/c'] as const;

interface Watched extends WatchTarget {
  readonly path: string;
  readonly isLasting: boolean;
  /** Every change after this one has to be told; null: it is not set yet. */
  sinceZxid: number | null;
  /** Of a lasting one: it has been told of all changes up to this one. */
  toldZxid: number;
  isTold: boolean;
}

/** A session, a model of a server, and a network between them that does its worst. */
class World {
  readonly prng: Prng;
  readonly session: Session;
  readonly server = new ModelServer(PATHS);
  readonly writes = new Map<string, Call>();
  readonly watches: Watched[] = [];
  readonly settled = new Map<Call, number>();
  /** For each write those that were made before it and open still. */
  readonly ahead = new Map<string, readonly string[]>();
  calls = 0;
  nowMs = 0;
  private connection: ModelConnection | null = null;
  private isDialling = false;
  private spare = new Writer();
  /** Written by the client, and not at the server yet. */
  private readonly underWay = new Writer();
  private delivered = 0;

  constructor(seed: number) {
    this.prng = new Prng(seed);
    this.session = new Session({
      hosts: ['a', 'b'].map((host) => ({ host, port: 1 })),
      chroot: '',
      prng: this.prng.fork(),
      timeoutMs: 9_000,
      canBeReadOnly: false,
      frameBytesMax: 10_000,
      backOff: { minMs: 20, maxMs: 1_000 },
      closeWithinMs: 1_000,
      sasl: null,
    });
    this.session.start(0);
    this.perform();
  }

  step(): void {
    const { prng } = this;
    const dice = prng.below(100);
    if (dice < 30) this.submit();
    else if (dice < 45) this.flush();
    else if (dice < 62) this.toServer(prng.below(200));
    else if (dice < 80) this.toClient(prng.below(200));
    else if (dice < 85) this.cut();
    else if (dice < 92) this.answerDial(prng.chance(0.7));
    else if (dice < 93) this.server.expireAll();
    else if (dice < 95) this.abandon();
    else this.pass(prng.magnitude(1, 4_000));
  }

  /** Everything works from here on, until nothing is left to do. */
  heal(): void {
    for (let round = 0; round < 2_000; round++) {
      this.answerDial(true);
      this.flush();
      this.toServer(Number.POSITIVE_INFINITY);
      this.toClient(Number.POSITIVE_INFINITY);
      const isQuiet = this.session.pendingCalls === 0 && !this.session.hasOutput;
      if (isQuiet && this.session.state === 'connected') return;
      this.pass(10);
    }
    throw new Error(`${this.session.pendingCalls} calls, ${this.session.state}`);
  }

  private submit(): void {
    const path = this.prng.pick(PATHS);
    const dice = this.prng.below(10);
    if (dice < 5) {
      const name = String(this.writes.size).padStart(6, '0');
      const call = new Call(Op.setData, path, () => null);
      call.data = name;
      call.argument = -1;
      const open = [...this.writes].filter(([, one]) => !one.isSettled);
      this.ahead.set(
        name,
        open.map(([one]) => one),
      );
      this.writes.set(name, call);
      this.start(call);
    } else if (dice < 9) {
      const call = new Call(Op.getData, path, () => null);
      call.argument = 1;
      call.watcher = this.watch(path, false);
      this.start(call);
    } else if (this.watches.every((one) => !one.isLasting || one.path !== path)) {
      const call = new Call(Op.addWatch, path, () => null);
      call.watcher = this.watch(path, true);
      this.start(call);
    }
  }

  private start(call: Call): void {
    this.calls += 1;
    if (this.prng.chance(0.1)) call.deadlineMs = this.nowMs + this.prng.magnitude(1, 5_000);
    this.session.submit(call, this.nowMs);
    this.perform();
  }

  private watch(path: string, isLasting: boolean): Watched {
    const watched: Watched = {
      path,
      isLasting,
      sinceZxid: null,
      toldZxid: 0,
      isTold: false,
      onEvent: (event: WatchEvent) => {
        watched.isTold = true;
        // Whoever reads now sees all changes up to here, and is told of those behind it.
        const zxid = event.type === 'resync' ? this.server.zxid : (event.zxid ?? 0);
        watched.toldZxid = Math.max(watched.toldZxid, zxid);
      },
      onEnd: () => {},
    };
    this.watches.push(watched);
    return watched;
  }

  private abandon(): void {
    const open = [...this.writes.values()].filter((call) => !call.isSettled);
    const call = open[this.prng.below(open.length)];
    if (call !== undefined) this.session.abandon(call, -7);
    this.perform();
  }

  private flush(): void {
    const output = this.session.takeOutput(this.spare);
    this.underWay.raw(output.written());
    this.spare = output;
  }

  private toServer(count: number): void {
    const to = Math.min(this.underWay.at, this.delivered + count);
    const bytes = this.underWay.bytes.slice(this.delivered, to);
    this.delivered = to;
    this.connection?.receive(bytes);
  }

  private toClient(count: number): void {
    const { connection, session } = this;
    if (connection === null) return;
    session.arrived(connection.take(count), this.nowMs);
    while (session.step(this.nowMs)) this.deliver();
    this.perform();
    if (this.connection === connection && connection.isClosed && connection.waiting === 0) {
      this.cut();
    }
  }

  private cut(): void {
    if (this.connection === null) return;
    // Some of what was under way has arrived all the same; its answers have not.
    this.toServer(this.prng.below(300));
    this.session.lostConnection(this.nowMs);
    this.perform();
  }

  private answerDial(isGood: boolean): void {
    if (!this.isDialling) return;
    this.isDialling = false;
    if (!isGood) this.session.lostConnection(this.nowMs);
    else {
      this.connection = new ModelConnection(this.server);
      this.session.opened(this.nowMs);
    }
    this.perform();
  }

  private pass(ms: number): void {
    this.nowMs += ms;
    if (this.nowMs >= this.session.wakeAtMs) this.session.tick(this.nowMs);
    this.perform();
  }

  private perform(): void {
    const { session } = this;
    if (session.hangsUp) {
      session.hangsUp = false;
      this.connection = null;
      this.isDialling = false;
      this.underWay.clear();
      this.delivered = 0;
    }
    this.deliver();
    if (session.dial !== null) {
      session.dial = null;
      this.isDialling = true;
    }
  }

  private deliver(): void {
    const { deliveries } = this.session;
    for (const delivery of deliveries) this.tell(delivery);
    deliveries.length = 0;
  }

  private tell(delivery: Delivery): void {
    if (delivery.kind === 'event') {
      for (const target of delivery.targets) target.onEvent(delivery.event);
    } else if (delivery.kind === 'call') {
      this.settled.set(delivery, (this.settled.get(delivery) ?? 0) + 1);
      const watched = delivery.watcher as Watched | null;
      if (watched === null || delivery.failure !== null || delivery.err !== 0) return;
      // The reply of getData: a buffer, czxid, mzxid. Of addWatch nothing was seen before.
      const { reader } = this.session;
      if (delivery.op === Op.getData) {
        reader.span();
        reader.skip(8);
        watched.sinceZxid = reader.i64();
      } else watched.sinceZxid = this.server.zxid;
    }
  }
}

function run(seed: number): World {
  const world = new World(seed);
  for (let i = 0; i < STEPS; i++) world.step();
  world.heal();
  return world;
}

function check(world: World): void {
  const { executed, znodes } = world.server;
  // Each call ends, and ends once.
  expect(world.settled.size).toBe(world.calls);
  expect(Math.max(0, ...world.settled.values())).toBeLessThan(2);
  // In the order in which they were made, none twice.
  expect(executed).toEqual([...new Set(executed)].sort());
  for (const [name, call] of world.writes) {
    const isDone = executed.includes(name);
    if (call.failure === null) expect([name, call.err, isDone]).toEqual([name, 0, true]);
    if (call.failure === 'notSent') expect([name, isDone]).toEqual([name, false]);
    if (!isDone) continue;
    // What was pipelined behind a write that got lost is not there without it. Deadlines are the
    // caller's own choice: a write that it gave up does not hold up the others.
    for (const before of world.ahead.get(name) ?? []) {
      if (world.writes.get(before)?.err === -7) continue;
      expect([name, before, executed.includes(before)]).toEqual([name, before, true]);
    }
  }
  for (const { path, isLasting, sinceZxid, toldZxid, isTold } of world.watches) {
    if (sinceZxid === null) continue;
    const { mzxid } = znodes.get(path) as { mzxid: number };
    if (mzxid <= sinceZxid) continue;
    // No change goes untold, whatever became of connections and sessions meanwhile.
    if (isLasting) expect(toldZxid).toBeGreaterThanOrEqual(mzxid);
    else expect(isTold).toBe(true);
  }
}

describe('whatever the network does', () => {
  it(`calls end once and say the truth, and no change goes untold (${RUNS} runs)`, () => {
    const seeds = Array.from({ length: RUNS }, (_, i) => i + 1);
    let inDoubt = 0;
    let notSent = 0;
    for (const seed of seeds) {
      const world = run(seed);
      try {
        check(world);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      for (const { failure } of world.writes.values()) {
        if (failure === 'unknown') inDoubt += 1;
        if (failure === 'notSent') notSent += 1;
      }
    }
    // Runs in which nothing goes wrong would prove nothing.
    expect(inDoubt).toBeGreaterThan(RUNS);
    expect(notSent).toBeGreaterThan(RUNS);
  });
});
