const EVERY_ZXIDS = 128;
const POINTS_MAX = 1_024;

/** The part of a tree that tells its digest. */
interface Digested {
  readonly digestHigh: number;
  readonly digestLow: number;
}

/**
 * The tree's digest at every 128th zxid, the newest 1,024 of them: two servers that have seen the
 * same writes show the same lines.
 */
export class DigestPoints {
  /** zxid, high and low half of the digest. */
  private readonly points: number[] = [];
  private last = 0;

  note(zxid: number, tree: Digested): void {
    if (zxid % EVERY_ZXIDS !== 0 || zxid === this.last) return;
    this.last = zxid;
    this.points.push(zxid, tree.digestHigh, tree.digestLow);
    if (this.points.length > 3 * POINTS_MAX) this.points.splice(0, 3);
  }

  /** Oldest first. */
  forEach(visit: (zxid: number, high: number, low: number) => void): void {
    const { points } = this;
    for (let i = 0; i < points.length; i += 3) {
      visit(points[i] as number, points[i + 1] as number, points[i + 2] as number);
    }
  }
}
