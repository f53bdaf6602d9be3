import type { Client } from './attachment.ts';

/** Barriers that were asked for in one turn: they share one question to the leader. */
interface Group {
  readonly number: number;
  readonly clients: readonly Client[];
  readonly askedMs: number;
  /** Passed once this slot has been applied here; null until the leader has named it. */
  slot: number | null;
}

/** An answer takes a round trip or two; by then it is lost. */
const ANSWER_MS_MAX = 1_000;

/**
 * Read index (rule 17): a client that asks for a barrier reads only after everything that was
 * decided when it asked. The leader names its last decided slot, and only after a quorum has
 * confirmed, since the question came, that it still leads. An answer serves the group that asked
 * and no other: after a change of leaders the question is asked anew, the old answer is void.
 */
export class Barriers {
  private gathering: Client[] = [];
  private asked: Group[] = [];
  private lastNumber = 0;

  get isEmpty(): boolean {
    return this.gathering.length === 0 && this.asked.length === 0;
  }

  request(client: Client): void {
    this.gathering.push(client);
  }

  /** Groups to ask the leader for; each once. */
  takeQuestion(nowMs: number): number | null {
    if (this.gathering.length === 0) return null;
    const number = ++this.lastNumber;
    this.asked.push({ number, clients: this.gathering, askedMs: nowMs, slot: null });
    this.gathering = [];
    return number;
  }

  /** There is another leader: all questions without an answer are asked again, as one. */
  askAgain(): void {
    const open = this.asked.filter(({ slot }) => slot === null);
    this.asked = this.asked.filter(({ slot }) => slot !== null);
    this.gathering = [...open.flatMap(({ clients }) => clients), ...this.gathering];
  }

  /**
   * Asks again what has not been answered for long; true if there is such. Question and answer go
   * different ways, and that of the answer may break and come back unnoticed while that of the
   * question lasts: then nobody else would ask again.
   */
  askLostAgain(nowMs: number): boolean {
    const isLost = this.asked.some(
      ({ slot, askedMs }) => slot === null && nowMs - askedMs > ANSWER_MS_MAX,
    );
    if (isLost) this.askAgain();
    return isLost;
  }

  answered(number: number, slot: number): void {
    const group = this.asked.find((other) => other.number === number);
    if (group !== undefined) group.slot ??= slot;
  }

  /** Lets those pass whose slot has been applied, in the order in which they asked. */
  applied(appliedSlot: number): void {
    for (;;) {
      const first = this.asked[0];
      if (first === undefined || first.slot === null || first.slot > appliedSlot) return;
      this.asked.shift();
      for (const client of first.clients) client.onBarrier();
    }
  }
}
