import { Err, Op } from '../protocol/constants.ts';
import { Call } from './core/call.ts';
import type { SessionState, StateChange } from './core/deliveries.ts';
import { ERR_CLOSING } from './core/session.ts';
import type { As, Decoded, Encodable } from './data.ts';
import type { CallOptions, Engine } from './engine.ts';
import { errorOf, type ZooKeeperError } from './errors.ts';
import { Operations } from './operations.ts';
import { getQuota, type Quota, type QuotaLimits, removeQuota, setQuota } from './quota.ts';
import { type NodeData, nothing } from './reply.ts';
import { StateStream } from './state-stream.ts';
import {
  type CreateRecursiveOptions,
  createRecursive,
  deleteRecursive,
  readTree,
  walk,
} from './tree.ts';

/**
 * A client with its session, which it keeps over any number of connections and servers. Made by
 * `connect`.
 */
export class Client extends Operations {
  private readonly states = new StateStream();
  private reason: ZooKeeperError | null = null;
  private closing: Promise<void> | null = null;

  constructor(engine: Engine, chroot: string) {
    super(engine, chroot);
    engine.onState = (change) => this.changed(change);
    engine.start();
  }

  /** What may be assumed right now; see {@link SessionState}. */
  get state(): SessionState {
    return this.engine.session.state;
  }

  /** 0 while there is none. */
  get sessionId(): bigint {
    return this.engine.session.sessionId;
  }

  /** What the server has granted, in milliseconds; what was asked for while there is no session. */
  get sessionTimeoutMs(): number {
    return this.engine.session.liveness.timeoutMs;
  }

  /** The server that the client is connected to, or tries to reach; null: it waits. */
  get server(): string | null {
    const { server } = this.engine.session;
    if (server === null) return null;
    const host = server.host.includes(':') ? `[${server.host}]` : server.host;
    return `${host}:${server.port}`;
  }

  /** The server has lost its ensemble: it answers reads, which may be old. */
  get isReadOnly(): boolean {
    return this.engine.session.isReadOnly;
  }

  /** The transaction of the newest state that this session has seen. */
  get lastZxid(): number {
    return this.engine.session.lastZxid;
  }

  /** Calls that wait for an answer. */
  get pendingCalls(): number {
    return this.engine.session.pendingCalls;
  }

  /** Why the client has closed by itself; null: it has not. */
  get closeReason(): ZooKeeperError | null {
    return this.reason;
  }

  /**
   * For how many milliseconds from now the session can't expire on any server, by what has been
   * proved and a clock that runs as fast as theirs. 0 or less: it may have.
   */
  get sessionSafeMs(): number {
    const { liveness, sessionId } = this.engine.session;
    if (sessionId === 0n) return 0;
    return liveness.provenMs + liveness.timeoutMs - this.engine.nowMs();
  }

  /** Calls back at each change of state; returns the way to stop. */
  onState(listener: (change: StateChange) => void): () => void {
    return this.states.listen(listener);
  }

  /** The changes of state from now on, which end behind `closed`. */
  stateChanges(): AsyncGenerator<StateChange, void, undefined> {
    return this.states.iterate();
  }

  /** Resolves when there is a session on a server. Rejects when the client closes instead. */
  async connected(options: CallOptions = {}): Promise<void> {
    if (this.state === 'connected') return;
    if (this.state === 'closed') throw this.reason ?? closedError();
    await waitForConnection(this, this.engine, options);
  }

  /**
   * Creates a znode and whatever parents are missing. Throws NodeExistsError if the znode itself
   * is there.
   */
  createRecursive<const A extends As = 'bytes'>(
    path: string,
    data?: Encodable<A>,
    options: CreateRecursiveOptions<A> = {},
  ): Promise<string> {
    return createRecursive(this, path, data, options);
  }

  /** Deletes a znode and all below it; nothing happens if there is none. */
  async deleteRecursive(path: string, options: CallOptions = {}): Promise<void> {
    if (path === '/' && this.chroot === '') {
      throw errorOf({
        code: Err.badArguments,
        operation: 'deleteRecursive',
        path,
        note: 'not the whole tree',
      });
    }
    await deleteRecursive(this, path, options);
  }

  /** The paths of a znode and all below it, each parent before its children. */
  walk(path: string, options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    return walk(this, path, options);
  }

  /** Data and stat of a znode and all below it, by path. They are not of one moment. */
  readTree<const A extends As = 'bytes'>(
    path: string,
    options: CallOptions & { readonly as?: A } = {},
  ): Promise<Map<string, NodeData<Decoded<A>>>> {
    return readTree(this, path, options);
  }

  /** The limits of a subtree and what it uses; null if it has none. */
  getQuota(path: string, options?: CallOptions): Promise<Quota | null> {
    return getQuota(this.engine, this.chroot, path, options);
  }

  /** Limits a subtree. What is left out is not limited. */
  setQuota(path: string, limits: QuotaLimits, options?: CallOptions): Promise<void> {
    return setQuota(this.engine, this.chroot, path, limits, options);
  }

  /** Ends the limits of a subtree. */
  removeQuota(path: string, options?: CallOptions): Promise<void> {
    return removeQuota(this.engine, this.chroot, path, options);
  }

  /**
   * Ends the session: its ephemerals go at once. Calls made before are answered first. Never
   * throws: a server that can't be reached lets the session expire.
   */
  close(): Promise<void> {
    this.closing ??= this.engine.close(new Call(Op.closeSession, '', nothing));
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private changed(change: StateChange): void {
    if (change.state === 'closed' && change.code !== 0) {
      this.reason = errorOf({ code: change.code, operation: 'connect', path: null });
    }
    this.states.tell(change);
  }
}

function waitForConnection(
  client: Client,
  engine: Engine,
  { signal, timeoutMs = Number.POSITIVE_INFINITY }: CallOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const endings: (() => void)[] = [];
    const stop = (): void => {
      for (const end of endings) end();
    };
    const fail = (error: unknown): void => {
      stop();
      reject(error);
    };
    const abort = (): void => fail(signal?.reason);
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort);
    endings.push(() => signal?.removeEventListener('abort', abort));
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      endings.push(engine.after(timeoutMs, () => fail(tooLate())));
    }
    const stopListening = client.onState(({ state }) => {
      if (state === 'closed') fail(client.closeReason ?? closedError());
      if (state !== 'connected') return;
      stop();
      resolve();
    });
    endings.push(stopListening);
  });
}

function closedError(): ZooKeeperError {
  return errorOf({ code: ERR_CLOSING, operation: 'connect', path: null });
}

function tooLate(): ZooKeeperError {
  const note = 'no server took the session in time';
  return errorOf({ code: Err.operationTimeout, operation: 'connect', path: null, note });
}
