import type { MemberId } from '../../gossip/member.ts';

/** Packets that overtake each other within so many of one sender are no replays. */
const WINDOW = 1_024;
const WORD_BITS = 32;
/** Twice the members that are known: those that come and go are remembered for a while. */
const SENDERS_MAX = 10_000;

interface Sender {
  life: number;
  highest: number;
  /** A ring of bits: which of the last `WINDOW` numbers have come. */
  readonly seen: Uint32Array;
}

/**
 * Tells packets that came before from new ones, by the life of their sender and their number in it.
 * Ask only about what the seal has vouched for: then what is remembered is of members only. Whoever
 * has just started remembers nothing, and may take an old packet for a new one: facts are ordered
 * by incarnation and entries by slot, so it learns nothing from it that was not true.
 */
export class Replays {
  private readonly senders = new Map<MemberId, Sender>();

  get size(): number {
    return this.senders.size;
  }

  /** True the first time. */
  isNew(from: MemberId, life: number, number: number): boolean {
    const sender = this.senders.get(from);
    if (sender === undefined) return this.begin(from, life, number);
    if (life < sender.life) return false;
    if (life > sender.life) {
      this.senders.delete(from);
      return this.begin(from, life, number);
    }
    return take(sender, number);
  }

  private begin(from: MemberId, life: number, number: number): boolean {
    if (this.senders.size >= SENDERS_MAX) {
      const [oldest] = this.senders.keys();
      if (oldest !== undefined) this.senders.delete(oldest);
    }
    const seen = new Uint32Array(WINDOW / WORD_BITS);
    const sender = { life, highest: Math.max(0, number - 1), seen };
    this.senders.set(from, sender);
    return take(sender, number);
  }
}

function take(sender: Sender, number: number): boolean {
  const { seen, highest } = sender;
  if (number + WINDOW <= highest) return false;
  if (number - highest >= WINDOW) seen.fill(0);
  else for (let i = highest + 1; i <= number; i++) clear(seen, i);
  sender.highest = Math.max(highest, number);
  if (isSet(seen, number)) return false;
  set(seen, number);
  return true;
}

function isSet(seen: Uint32Array, number: number): boolean {
  const at = number % WINDOW;
  return (((seen[Math.floor(at / WORD_BITS)] as number) >>> (at % WORD_BITS)) & 1) === 1;
}

function set(seen: Uint32Array, number: number): void {
  const at = number % WINDOW;
  const word = Math.floor(at / WORD_BITS);
  seen[word] = (seen[word] as number) | (1 << (at % WORD_BITS));
}

function clear(seen: Uint32Array, number: number): void {
  const at = number % WINDOW;
  const word = Math.floor(at / WORD_BITS);
  seen[word] = (seen[word] as number) & ~(1 << (at % WORD_BITS));
}
