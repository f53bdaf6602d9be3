import { DecodeError } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import type { Clock } from '../io/clock.ts';
import type { Diagnostics } from '../io/diagnostics.ts';
import type { Network, Peer, Stream, StreamHandler } from '../io/network.ts';
import { Err, Op } from '../protocol/constants.ts';
import { operations } from '../protocol/operations.ts';
import type { Call } from './core/call.ts';
import type { StateChange } from './core/deliveries.ts';
import type { Session } from './core/session.ts';
import type { WatchEvent, WatchTarget } from './core/watch-table.ts';
import { errorOf, type ZooKeeperError } from './errors.ts';

/** What limits one call. */
export interface CallOptions {
  /** Ends the wait: the call rejects with the signal's reason. What was sent may still happen. */
  readonly signal?: AbortSignal;
  /** How long to wait for the answer, in milliseconds; `Infinity` for as long as it takes. */
  readonly timeoutMs?: number;
}

export interface EngineDeps {
  readonly session: Session;
  readonly network: Pick<Network, 'connect'>;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics | null;
  /** For calls that name none. */
  readonly timeoutMs: number;
}

const SPARE_BYTES_MAX = 262_144;

/**
 * Carries out what a session asks for: the only place of the client that has a socket, a timer and
 * promises. A call costs the promise that its caller gets; everything that is submitted in one turn
 * of the loop leaves by one write.
 */
export class Engine {
  readonly session: Session;
  /** Told of each change of state, before anything that waits for it goes on. */
  onState: (change: StateChange) => void = () => {};
  private readonly network: Pick<Network, 'connect'>;
  private readonly clock: Clock;
  private readonly diagnostics: Diagnostics | null;
  private readonly timeoutMs: number;
  /** Counts dials, so that what a stream says that was left is not taken for the present one. */
  private connection = 0;
  private stream: Stream | null = null;
  private giveUpDial: () => void = () => {};
  private spare: Writer = new Writer(4_096);
  /** Handed to the socket, which has not taken all of it yet. */
  private handedOver: Writer | null = null;
  private isFlushPlanned = false;
  private isDelivering = false;
  private turnMs = 0;
  private timerAtMs: number = Number.POSITIVE_INFINITY;
  private stopTimer: () => void = () => {};
  private resolve: (value: never) => void = () => {};
  private reject: (error: unknown) => void = () => {};
  /** One executor for all promises: no closure per call. */
  private readonly capture = (
    resolve: (value: never) => void,
    reject: (error: unknown) => void,
  ): void => {
    this.resolve = resolve;
    this.reject = reject;
  };
  private readonly flushLater = (): void => this.flush();

  constructor(deps: EngineDeps) {
    this.session = deps.session;
    this.network = deps.network;
    this.clock = deps.clock;
    this.diagnostics = deps.diagnostics;
    this.timeoutMs = deps.timeoutMs;
  }

  start(): void {
    this.session.start(this.clock.monotonicMs());
    this.perform();
  }

  nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** Runs `task` once, later; returns the way to call it off. */
  after(delayMs: number, task: () => void): () => void {
    return this.clock.after(delayMs, task);
  }

  /** Runs a call; its promise ends with the answer, or says why there is none. */
  submit<T>(call: Call, options: CallOptions | undefined): Promise<T> {
    const promise = this.prepare<T>(call, options);
    if (call.isSettled) return promise;
    try {
      this.session.submit(call, this.turnMs);
    } catch (error) {
      // The argument was not even of the right type: nothing has been sent.
      this.end(call, error);
    }
    const { deliveries, wakeAtMs } = this.session;
    if (!this.isFlushPlanned || deliveries.length > 0 || wakeAtMs < this.timerAtMs) this.perform();
    return promise;
  }

  submitCredential(call: Call, options: CallOptions | undefined): Promise<void> {
    const promise = this.prepare<void>(call, options);
    if (call.isSettled) return promise;
    this.session.submitCredential(call, this.turnMs);
    this.perform();
    return promise;
  }

  close(call: Call): Promise<void> {
    const promise = this.prepare<void>(call, { timeoutMs: Number.POSITIVE_INFINITY });
    this.session.close(call, this.turnMs);
    this.perform();
    return promise;
  }

  /** What a session has to do after something else than a call has touched it. */
  perform(): void {
    const { session } = this;
    if (session.hangsUp) {
      session.hangsUp = false;
      this.hangUp();
    }
    if (session.deliveries.length > 0) this.deliver();
    const { dial } = session;
    if (dial !== null) {
      session.dial = null;
      this.dial(dial);
    }
    if (session.hasOutput) this.planFlush();
    if (session.wakeAtMs < this.timerAtMs) this.setTimer();
    if (session.isClosed) this.stopTimer();
  }

  private prepare<T>(call: Call, options: CallOptions | undefined): Promise<T> {
    const promise = new Promise<T>(this.capture as never);
    call.resolve = this.resolve;
    call.reject = this.reject;
    if (!this.isFlushPlanned) this.turnMs = this.clock.monotonicMs();
    const timeoutMs = options?.timeoutMs ?? this.timeoutMs;
    if (timeoutMs !== Number.POSITIVE_INFINITY) call.deadlineMs = this.turnMs + timeoutMs;
    if (options?.signal !== undefined) this.heed(options.signal, call);
    return promise;
  }

  private heed(signal: AbortSignal, call: Call): void {
    if (signal.aborted) {
      this.end(call, signal.reason);
      return;
    }
    const abort = (): void => {
      // Its caller gets the reason, so the session's own delivery must find it settled.
      this.session.abandon(call, Err.ok);
      call.reject(signal.reason);
      this.perform();
    };
    signal.addEventListener('abort', abort);
    call.detach = () => signal.removeEventListener('abort', abort);
  }

  private end(call: Call, error: unknown): void {
    call.detach?.();
    call.isSettled = true;
    call.reject(error);
  }

  private deliver(): void {
    // What a callback asks for is delivered by the loop that called it: everything in its order.
    if (this.isDelivering) return;
    this.isDelivering = true;
    const { deliveries } = this.session;
    for (let i = 0; i < deliveries.length; i++) {
      const delivery = deliveries[i];
      if (delivery === undefined) break;
      if (delivery.kind === 'call') this.settle(delivery);
      else if (delivery.kind === 'state') this.tellState(delivery);
      else if (delivery.kind === 'event') {
        for (const target of delivery.targets) tell(target, delivery.event);
      } else for (const target of delivery.targets) tell(target, null);
    }
    deliveries.length = 0;
    this.isDelivering = false;
  }

  private settle(call: Call): void {
    if (call.detach !== null) call.detach();
    if (this.diagnostics?.wantsCalls === true) this.record(call);
    if (call.failure !== null || call.err !== 0) {
      if (call.op === Op.exists && call.err === Err.noNode) call.resolve(null as never);
      else call.reject(failureOf(call));
    } else if (call.isCut) call.reject(unreadable(call, 'the reply is longer than is allowed'));
    else this.decode(call);
  }

  private decode(call: Call): void {
    try {
      call.resolve(call.decode(this.session.reader, call) as never);
    } catch (error) {
      call.reject(error instanceof DecodeError ? unreadable(call, error.message) : error);
    }
  }

  private record(call: Call): void {
    const durationMs = this.clock.monotonicMs() - call.startedMs;
    const { operation, path } = detailsOf(call);
    this.diagnostics?.call({ operation, path, durationMs, code: call.err });
  }

  private tellState(change: StateChange): void {
    const { server } = this.session;
    this.diagnostics?.state({
      state: change.state,
      sessionId: change.sessionId,
      server: server === null ? null : `${server.host}:${server.port}`,
      code: change.code,
    });
    this.onState(change);
  }

  private dial(peer: Peer): void {
    const connection = ++this.connection;
    const isCurrent = (): boolean => connection === this.connection;
    const lost = (): void => {
      if (!isCurrent()) return;
      this.session.lostConnection(this.clock.monotonicMs());
      this.perform();
    };
    const handler: StreamHandler = {
      onData: (bytes) => isCurrent() && this.receive(bytes),
      onDrain: () => isCurrent() && this.drained(),
      onClose: lost,
    };
    this.giveUpDial = this.network.connect(
      peer,
      (stream) => {
        this.stream = stream;
        this.session.opened(this.clock.monotonicMs());
        this.flush();
        return handler;
      },
      lost,
    );
  }

  private hangUp(): void {
    this.connection += 1;
    this.giveUpDial();
    this.giveUpDial = () => {};
    this.stream?.destroy();
    this.stream = null;
    this.handedOver = null;
  }

  private receive(bytes: Uint8Array): void {
    const { session } = this;
    const nowMs = this.clock.monotonicMs();
    session.arrived(bytes, nowMs);
    try {
      while (session.step(nowMs)) if (session.deliveries.length > 0) this.deliver();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      session.lostConnection(nowMs);
    }
    this.perform();
  }

  private planFlush(): void {
    if (this.isFlushPlanned) return;
    this.isFlushPlanned = true;
    this.turnMs = this.clock.monotonicMs();
    this.clock.afterTurn(this.flushLater);
  }

  private flush(): void {
    this.isFlushPlanned = false;
    const { stream, session } = this;
    if (stream === null || this.handedOver !== null || !session.hasOutput) return;
    const output = session.takeOutput(this.spare);
    const isGone = stream.write(output.written());
    if (isGone) this.spare = reusable(output);
    else {
      this.handedOver = output;
      this.spare = new Writer(4_096);
    }
  }

  private drained(): void {
    if (this.handedOver === null) return;
    this.spare = reusable(this.handedOver);
    this.handedOver = null;
    this.flush();
  }

  private setTimer(): void {
    this.stopTimer();
    this.timerAtMs = this.session.wakeAtMs;
    const delayMs = Math.max(Math.ceil(this.timerAtMs - this.clock.monotonicMs()), 0);
    const stop = this.clock.after(delayMs, () => {
      this.timerAtMs = Number.POSITIVE_INFINITY;
      this.session.tick(this.clock.monotonicMs());
      this.perform();
    });
    this.stopTimer = () => {
      stop();
      this.timerAtMs = Number.POSITIVE_INFINITY;
      this.stopTimer = () => {};
    };
  }
}

/** A buffer that one large call has blown up is not kept for all the small ones after it. */
function reusable(writer: Writer): Writer {
  return writer.bytes.length > SPARE_BYTES_MAX ? new Writer(4_096) : writer;
}

/** A callback that throws is its owner's: it ends up where uncaught errors do. */
function tell(target: WatchTarget, event: WatchEvent | null): void {
  try {
    if (event === null) target.onEnd();
    else target.onEvent(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function detailsOf(call: Call): { readonly operation: string; readonly path: string | null } {
  const operation = operations.get(call.op)?.name ?? 'call';
  return { operation, path: call.path === '' ? null : call.path };
}

/** The server has done it, but what it says of it can't be told. */
function unreadable(call: Call, note: string): ZooKeeperError {
  const code = Err.marshallingError;
  return errorOf({ ...detailsOf(call), code, note, isOutcomeUnknown: !call.isRepeatable });
}

function failureOf(call: Call): ZooKeeperError {
  const isOutcomeUnknown = call.failure === 'unknown' && !call.isRepeatable;
  return errorOf({ ...detailsOf(call), code: call.err, isOutcomeUnknown });
}
