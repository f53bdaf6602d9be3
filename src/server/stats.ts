import { Histogram, Summary } from '../base/summary.ts';

/** What one connection or the whole server has done; numbers only, so that counting is free. */
export class Traffic {
  packetsReceived = 0;
  packetsSent = 0;
  latencyMsMin = 0;
  latencyMsMax = 0;
  latencyMsTotal = 0;
  latencyCount = 0;

  reset(): void {
    this.packetsReceived = 0;
    this.packetsSent = 0;
    this.resetLatency();
  }

  resetLatency(): void {
    this.latencyMsMin = 0;
    this.latencyMsMax = 0;
    this.latencyMsTotal = 0;
    this.latencyCount = 0;
  }

  addLatencies(latencyMs: number, count: number): void {
    if (this.latencyCount === 0 || latencyMs < this.latencyMsMin) this.latencyMsMin = latencyMs;
    if (latencyMs > this.latencyMsMax) this.latencyMsMax = latencyMs;
    this.latencyMsTotal += latencyMs * count;
    this.latencyCount += count;
  }

  get latencyMsMean(): number {
    return this.latencyCount === 0 ? 0 : this.latencyMsTotal / this.latencyCount;
  }
}

/** Latencies are told in steps of a microsecond. */
const LATENCY_RESOLUTION_MS = 0.001;

/** What the whole server counts beyond its traffic; `metrics/series.ts` has the names. */
export class Counters {
  connectionsAccepted = 0;
  connectionsRejected = 0;
  /** Ended by the client or the network, not by the server. */
  connectionsDropped = 0;
  /** ConnectRequests, for new sessions and known ones. */
  connectRequests = 0;
  framesRefused = 0;
  slowConsumersDropped = 0;
  authFailed = 0;
  bytesReceived = 0;
  /** Notifications, in bytes, their lengths in front left out. */
  watchBytes = 0;
  sessionlessExpired = 0;
  requestsRefusedNoSpace = 0;
  largeRequestsRejected = 0;
  /** Tokens that the throttle lacked of a full bucket, at each ConnectRequest. */
  readonly tokenDeficit: Summary = new Summary();
  /** Replies, counted in the same way. */
  readonly responseBytes: Summary = new Summary();
  readonly readLatencyMs: Histogram = new Histogram(LATENCY_RESOLUTION_MS);
  readonly updateLatencyMs: Histogram = new Histogram(LATENCY_RESOLUTION_MS);

  reset(): void {
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof Summary) value.reset();
      else Object.assign(this, { [key]: 0 });
    }
  }
}
