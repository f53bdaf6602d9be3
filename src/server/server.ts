import type { Listener, ListenOptions, Network, Stream } from '../io/network.ts';
import { Connection } from './connection.ts';
import type { ServerContext } from './context.ts';

/** How often connections without a session are looked at. */
const HANDSHAKE_SWEEP_MS = 1_000;

/** The client port: accepts connections, within limits. */
export class ClientPort {
  private readonly context: ServerContext;
  private readonly perAddress = new Map<string, number>();
  private listener: Listener | null = null;
  private stopSweep: () => void = () => {};
  private accepting = true;

  constructor(context: ServerContext) {
    this.context = context;
  }

  get port(): number {
    return this.listener?.port ?? 0;
  }

  get address(): string {
    return this.listener?.address ?? '';
  }

  async open(network: Network, options: ListenOptions): Promise<void> {
    const { clock } = this.context.replica;
    this.stopSweep = clock.every(HANDSHAKE_SWEEP_MS, () => this.sweepHandshakes());
    this.listener = await network.listen(options, (stream) => this.accept(stream));
  }

  /** Ends clients that have to look for another server, or for this one in its other role. */
  drop(which: 'read-only' | 'all'): void {
    for (const connection of [...this.context.connections]) {
      if (which === 'all' || connection.readOnlySession !== null) connection.close();
    }
  }

  /** No new connections and no new requests from now on; what was accepted gets its answer. */
  quiesce(): void {
    this.accepting = false;
    this.stopSweep();
    for (const connection of this.context.connections) connection.stopReading();
  }

  async close(): Promise<void> {
    this.accepting = false;
    this.stopSweep();
    await this.listener?.close();
  }

  private accept(stream: Stream): Connection | null {
    const { counters, connections, limits } = this.context;
    const { remoteAddress } = stream;
    const fromHere = this.perAddress.get(remoteAddress) ?? 0;
    const tooMany =
      (limits.connectionsMax > 0 && connections.size >= limits.connectionsMax) ||
      (limits.connectionsPerAddressMax > 0 && fromHere >= limits.connectionsPerAddressMax);
    if (!this.accepting || tooMany) {
      counters.connectionsRejected++;
      return null;
    }
    counters.connectionsAccepted++;
    this.perAddress.set(remoteAddress, fromHere + 1);
    const connection = new Connection(this.context, stream, () => this.forget(remoteAddress));
    connections.add(connection);
    return connection;
  }

  private forget(remoteAddress: string): void {
    const left = (this.perAddress.get(remoteAddress) ?? 1) - 1;
    if (left > 0) this.perAddress.set(remoteAddress, left);
    else this.perAddress.delete(remoteAddress);
  }

  /**
   * A connection that never completes its handshake, or never takes its last answer, holds a place
   * that others could use.
   */
  private sweepHandshakes(): void {
    const { connections, counters, limits, replica } = this.context;
    const nowMs = replica.clock.monotonicMs();
    for (const connection of connections) {
      if (isReadOnlyAndSilent(connection, nowMs)) connection.close();
      if (connection.phase === 'ready' || connection.phase === 'finishing') continue;
      const isLeaving = connection.phase === 'leaving';
      const sinceMs = isLeaving ? connection.leftMs : connection.acceptedMs;
      if (nowMs - sinceMs < limits.handshakeTimeoutMs) continue;
      if (!isLeaving) counters.sessionlessExpired++;
      connection.close();
    }
  }
}

/** Nobody else keeps time for a session that only this server knows. */
function isReadOnlyAndSilent(
  { readOnlySession, nowMs: heardMs }: Connection,
  nowMs: number,
): boolean {
  return readOnlySession !== null && nowMs - heardMs > readOnlySession.timeoutMs;
}
