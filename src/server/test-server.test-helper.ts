import { createHash } from 'node:crypto';
import { NodeSecrets } from '../io/node/secrets.ts';
import type { Entry } from '../paxos/entry.ts';
import { Paxos } from '../paxos/paxos.ts';
import { loneOptions } from '../paxos/testing/lone.ts';
import { NO_PEERS } from '../replica/peer-port.ts';
import { Replica, type ReplicaOptions } from '../replica/replica.ts';
import { SessionIds } from '../replica/session-ids.ts';
import { SimClock } from '../sim/clock.ts';
import { InstantNetwork, type InstantPeer } from '../sim/instant-network.ts';
import { CommandFlag } from '../state/command.ts';
import { State } from '../state/state.ts';
import type { ConnectionThrottle } from './connection-throttle.ts';
import type { ServerContext, ServerLimits } from './context.ts';
import { connectRequest, type Frame, replies } from './server.test-helper.ts';
import { ClientPort } from './server.ts';
import { createServerContext } from './test-context.test-helper.ts';

type Done = (error: Error | null) => void;

/** A log whose syncs end when the test says so. */
export class ManualLog {
  readonly entries: Entry[] = [];
  private waiting: Done[] = [];
  /** True: every append is durable by the next turn. */
  automatic = true;
  private readonly clock: SimClock;

  constructor(clock: SimClock) {
    this.clock = clock;
  }

  saveState(_state: unknown, done: Done): void {
    this.clock.afterTurn(() => done(null));
  }

  adopt(_adoption: unknown, done: Done): void {
    this.clock.afterTurn(() => done(null));
  }

  append(entries: readonly Entry[], _decidedSlot: number, done: Done): void {
    this.entries.push(...entries.map((entry) => ({ ...entry, body: entry.body.slice() })));
    if (this.automatic) this.clock.afterTurn(() => done(null));
    else this.waiting.push(done);
  }

  /** The outstanding append has ended. */
  finish(error: Error | null = null): void {
    for (const done of this.waiting.splice(0)) done(error);
  }
}

interface Extra {
  readonly throttle?: ConnectionThrottle;
  readonly slowAppends?: ReplicaOptions['slowAppends'];
}

/** A whole server on a fake clock, network and log. */
export class TestServer {
  readonly clock: SimClock = new SimClock();
  readonly network: InstantNetwork = new InstantNetwork();
  readonly log: ManualLog = new ManualLog(this.clock);
  readonly state: State = new State({ seed: [1, 2] });
  readonly replica: Replica;
  readonly context: ServerContext;
  readonly port: ClientPort;
  readonly fatal: Error[] = [];
  writable = true;
  attachable = true;
  memoryFull = false;
  readOnly = false;
  refusesClients = false;

  constructor(limits: Partial<ServerLimits> = {}, extra: Extra = {}) {
    const { throttle, slowAppends } = extra;
    const chain = (previous: Uint8Array, slot: number, ...rest: unknown[]): Uint8Array =>
      createHash('sha256')
        .update(previous)
        .update(`${slot}`)
        .update(rest[3] as Uint8Array)
        .digest();
    this.replica = new Replica({
      state: this.state,
      serverId: 1,
      paxos: new Paxos(loneOptions(chain)),
      store: this.log,
      peers: NO_PEERS,
      firstNumber: 0,
      identityOf: () => undefined,
      clock: this.clock,
      sessionIds: new SessionIds(1, this.clock.wallMs()),
      tickTimeMs: 1_000,
      flags: CommandFlag.extendedTypes,
      ...(slowAppends === undefined ? {} : { slowAppends }),
      onFatal: (error) => this.fatal.push(error),
      onApplied: () => {},
    });
    this.context = {
      ...createServerContext(this.replica, new NodeSecrets(), limits),
      ...(throttle === undefined ? {} : { throttle }),
      writable: () => this.writable,
      attachable: () => this.attachable,
      readOnly: () => this.readOnly,
      refusesClients: () => this.refusesClients,
      memoryFull: () => this.memoryFull,
    };
    this.port = new ClientPort(this.context);
    void this.port.open(this.network, { host: '127.0.0.1', port: 2181, backlog: undefined });
    this.clock.every(1_000, () => this.replica.sweepSessions());
  }

  /** A client with a session. */
  client(timeoutMs = 10_000): InstantPeer {
    const peer = this.network.dial();
    peer.send(connectRequest({ timeoutMs }));
    this.clock.settle();
    return peer;
  }

  /** Sends frames in one go and returns all replies so far. */
  exchange(peer: InstantPeer, ...frames: Uint8Array[]): Frame[] {
    peer.send(concat(frames));
    this.clock.settle();
    return replies(peer);
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
