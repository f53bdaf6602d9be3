/** How long slots that are decided may be missing here before the tree counts as too slow. */
const LAG_MS_MAX = 1_000;
/** The tree is tried again after so long, and after twice as long each time that it fails. */
const TRIAL_MS_MIN = 2_000;
const TRIAL_MS_MAX = 64_000;

/** The broadcast tree, as one observer sees it. */
export interface Tree {
  /** It has neighbours from which the log may come. */
  readonly isThere: boolean;
}

/**
 * Whether an observer has the log from the tree or from its voter. The voter feeds it while the
 * tree does not: at first, without gossip, and whenever what the voter calls decided has not come
 * for a second. A tree that works costs the voters nothing, however many observers there are.
 */
export class Broadcast {
  isUsed = false;
  private readonly tree: Tree;
  private readonly nowMs: () => number;
  private trialAtMs: number;
  private trialMs = TRIAL_MS_MIN;
  /** The slot that is missing, and since when; null: none is. */
  private missing: { readonly slot: number; readonly sinceMs: number } | null = null;

  constructor(tree: Tree, nowMs: () => number) {
    this.tree = tree;
    this.nowMs = nowMs;
    this.trialAtMs = nowMs() + TRIAL_MS_MIN;
  }

  /** The voter says that this slot is decided; here is all up to `decidedSlot`. */
  heard(slot: number, decidedSlot: number): void {
    if (slot <= decidedSlot) return;
    this.missing ??= { slot, sinceMs: this.nowMs() };
  }

  /** Looks what has come; true if the voter has to begin or to end feeding. */
  changes(decidedSlot: number, isFed: boolean): boolean {
    const nowMs = this.nowMs();
    if (this.missing !== null && this.missing.slot <= decidedSlot) this.missing = null;
    if (this.isUsed) return this.failed(nowMs);
    if (!isFed || !this.tree.isThere || nowMs < this.trialAtMs) return false;
    this.isUsed = true;
    this.missing = null;
    return true;
  }

  private failed(nowMs: number): boolean {
    const isLate = this.missing !== null && nowMs - this.missing.sinceMs > LAG_MS_MAX;
    if (this.tree.isThere && !isLate) {
      // It has lasted: the next failure is no reason to mistrust it for long.
      if (nowMs - this.trialAtMs > TRIAL_MS_MAX) this.trialMs = TRIAL_MS_MIN;
      return false;
    }
    this.isUsed = false;
    this.trialAtMs = nowMs + this.trialMs;
    this.trialMs = Math.min(2 * this.trialMs, TRIAL_MS_MAX);
    return true;
  }
}
