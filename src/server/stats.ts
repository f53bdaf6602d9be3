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

  addLatency(latencyMs: number): void {
    if (this.latencyCount === 0 || latencyMs < this.latencyMsMin) this.latencyMsMin = latencyMs;
    if (latencyMs > this.latencyMsMax) this.latencyMsMax = latencyMs;
    this.latencyMsTotal += latencyMs;
    this.latencyCount++;
  }

  /** Mean latency, rounded to four places as ZooKeeper shows it. */
  get latencyMsMean(): number {
    if (this.latencyCount === 0) return 0;
    return Math.round((this.latencyMsTotal / this.latencyCount) * 10_000) / 10_000;
  }
}

/** Counters of the whole server beyond its traffic; each name is a line of `mntr`. */
export class Counters {
  connectionsAccepted = 0;
  connectionsRejected = 0;
  connectionsDropped = 0;
  framesRefused = 0;
  slowConsumersDropped = 0;
  authFailed = 0;
  bytesReceived = 0;
  bytesSent = 0;
  sessionlessExpired = 0;
  sessionsExpired = 0;
  requestsRefusedNoSpace = 0;
  largeRequestsRejected = 0;

  reset(): void {
    for (const key of Object.keys(this)) Object.assign(this, { [key]: 0 });
  }
}
