import { Writer } from '../base/writer.ts';
import { hashBytes, LANE_HIGH, LANE_LOW, Sum64 } from './hash.ts';
import { encodeMembership, type Membership } from './membership.ts';

/**
 * What apply of this version can do. Any change of an outcome gets the next number and is gated by
 * `level`: a log means the same to every version that may run it.
 */
export const LEVEL_SUPPORTED = 1;

/** The ensemble has agreed on behaviour that this version does not have. */
export class BehaviourLevelError extends Error {
  override readonly name = 'BehaviourLevelError';

  constructor(level: number, supported: number) {
    super(
      `this replica is too old: its ensemble works at behaviour level ${level}, this version of ` +
        `Quoll knows ${supported}. Install the version that the other servers run`,
    );
  }
}

/** What the log has made of the ensemble itself. */
export class Ensemble {
  /** Its part of the state digest. A server alone, at level 1, adds nothing. */
  readonly digest: Sum64 = new Sum64();
  private ownClusterId: Uint8Array | null = null;
  private ownMembership: Membership | null = null;
  private ownLevel = 1;
  readonly levelSupported: number;

  constructor(levelSupported: number = LEVEL_SUPPORTED) {
    this.levelSupported = levelSupported;
  }

  get clusterId(): Uint8Array | null {
    return this.ownClusterId;
  }

  /** Null until genesis has been applied, and for ever on a server alone. */
  get membership(): Membership | null {
    return this.ownMembership;
  }

  /** The behaviour level: raised by the log, never lowered. */
  get level(): number {
    return this.ownLevel;
  }

  found(clusterId: Uint8Array, membership: Membership): void {
    this.ownClusterId = clusterId;
    this.become(membership);
  }

  become(membership: Membership): void {
    this.ownMembership = membership;
    this.rehash();
  }

  /** Throws if this version can't follow. */
  raiseLevel(level: number): void {
    if (level > this.levelSupported) throw new BehaviourLevelError(level, this.levelSupported);
    if (level <= this.ownLevel) return;
    this.ownLevel = level;
    this.rehash();
  }

  private rehash(): void {
    const { digest, ownClusterId, ownMembership } = this;
    digest.subtract(digest.high, digest.low);
    const writer = new Writer(512);
    writer.i32(this.ownLevel);
    if (ownClusterId !== null && ownMembership !== null) {
      writer.raw(ownClusterId);
      encodeMembership(writer, ownMembership);
    }
    const bytes = writer.written();
    digest.add(hashBytes(LANE_HIGH, bytes), hashBytes(LANE_LOW, bytes));
  }
}
