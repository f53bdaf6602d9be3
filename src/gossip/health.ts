/**
 * What a member thinks of its own health (Lifeguard, section IV-A): 0 is well. One that does not
 * hear what it should hear is slow itself, more likely than all the others are, so it takes longer
 * before it accuses anybody.
 */
export class Health {
  private readonly max: number;
  private score = 0;

  constructor(max: number) {
    this.max = max;
  }

  get value(): number {
    return this.score;
  }

  worsen(by: number): void {
    this.score = Math.min(this.max, this.score + by);
  }

  improve(): void {
    this.score = Math.max(0, this.score - 1);
  }

  scaled(ticks: number): number {
    return ticks * (this.score + 1);
  }
}
