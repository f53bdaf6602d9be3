import type { EnsembleConfig } from '../config/server-config.ts';
import type { Clock } from '../io/clock.ts';
import type { Logger } from '../io/logger.ts';
import { isVoter } from '../paxos/configuration.ts';
import type { Replica } from '../replica/replica.ts';
import type { ServerMode } from '../server/facts.ts';

/** As in ZooKeeper: a server looks for a leader for so long before it serves reads without one. */
const READ_ONLY_AFTER_MS = 2_000;
const LOOK_EVERY_MS = 100;

export interface RoleOptions {
  readonly ensemble: EnsembleConfig;
  readonly tickTimeMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly replica: Replica;
}

/** Which clients may expect what from one member of an ensemble, at this moment. */
export class Role {
  private readonly options: RoleOptions;
  private lostLeaderMs: number | null;
  private readOnly = false;
  private refusing = false;
  private stopLooking: () => void = () => {};

  constructor(options: RoleOptions) {
    this.options = options;
    this.lostLeaderMs = options.clock.monotonicMs();
  }

  get mode(): ServerMode {
    const { replica, ensemble } = this.options;
    if (this.readOnly) return 'read-only';
    if (replica.paxos.role === 'leader') return 'leader';
    return isVoter(replica.paxos.configuration, ensemble.serverId) ? 'follower' : 'observer';
  }

  /** It serves reads without a leader, to clients that ask for that. */
  get isReadOnly(): boolean {
    return this.readOnly;
  }

  /** It leads and is told to leave clients to the others. */
  get refusesClients(): boolean {
    const { ensemble, replica } = this.options;
    return !ensemble.leaderServes && replica.paxos.role === 'leader';
  }

  get isServing(): boolean {
    if (this.readOnly) return true;
    return this.options.replica.hasLeader && !this.refusesClients;
  }

  /** As ZooKeeper calls it. */
  get peerState(): string {
    const { replica } = this.options;
    if (replica.paxos.role === 'leader') {
      return replica.isLeading ? 'leading - broadcast' : 'leading - synchronization';
    }
    if (replica.paxos.leaderId === null) return 'looking - election';
    return this.mode === 'observer' ? 'observing - broadcast' : 'following - broadcast';
  }

  /** Looks now and then; `drop` ends the clients that have to look for another server. */
  start(drop: (which: 'read-only' | 'all') => void): void {
    const { clock } = this.options;
    this.stopLooking = clock.every(LOOK_EVERY_MS, () => {
      this.lookForLeader(drop);
      const { refusesClients } = this;
      if (refusesClients && !this.refusing) drop('all');
      this.refusing = refusesClients;
    });
  }

  stop(): void {
    this.stopLooking();
  }

  private lookForLeader(drop: (which: 'read-only') => void): void {
    const { clock, ensemble, tickTimeMs, logger, replica } = this.options;
    if (replica.paxos.leaderId !== null) {
      this.lostLeaderMs = null;
      if (!this.readOnly) return;
      this.readOnly = false;
      logger.info(
        { leader: replica.paxos.leaderId },
        'there is a leader again: serves writes, too',
      );
      drop('read-only');
      return;
    }
    const nowMs = clock.monotonicMs();
    this.lostLeaderMs ??= nowMs;
    if (!ensemble.readOnlyMode || this.readOnly) return;
    if (nowMs - this.lostLeaderMs < Math.max(READ_ONLY_AFTER_MS, tickTimeMs)) return;
    this.readOnly = true;
    logger.warn({}, 'no leader: serves reads to clients that ask for a read-only server');
  }
}
