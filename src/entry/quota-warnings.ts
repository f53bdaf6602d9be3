import { utf8Decode } from '../base/utf8.ts';
import type { Clock } from '../io/clock.ts';
import type { Logger } from '../io/logger.ts';
import type { ExceededQuota } from '../state/outcome.ts';

/** A client that goes on and on would fill the log. */
const SAY_EVERY_MS = 10_000;

/** Says which soft quota is exceeded, as ZooKeeper's log does, but not at every write. */
export class QuotaWarnings {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private saidMs = Number.NEGATIVE_INFINITY;
  private unsaid = 0;

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock;
    this.logger = logger;
  }

  exceeded({ path, what, limit, use }: ExceededQuota): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.saidMs < SAY_EVERY_MS) {
      this.unsaid++;
      return;
    }
    this.saidMs = nowMs;
    const fields = { path: utf8Decode(path.bytes, 0, path.at), of: what, limit, use };
    const { unsaid: writesUnsaid } = this;
    this.logger.warn({ ...fields, writesUnsaid }, 'a soft quota is exceeded');
    this.unsaid = 0;
  }
}
