/** How packets get from one host to another, in one direction. */
export interface Link {
  /** Nothing arrives, and nobody is told. */
  isCut: boolean;
  latencyUs: number;
  /** Mean of what is added to the latency, packet by packet. */
  jitterUs: number;
  /** Share of packets that have to be sent again. */
  loss: number;
  bytesPerMs: number;
}

/** A network in a good hour: half a millisecond there and back, 1 GB/s. */
const GOOD: Link = {
  isCut: false,
  latencyUs: 200,
  jitterUs: 50,
  loss: 0,
  bytesPerMs: 1_000_000,
};

/** All links between hosts, by name; each direction is one of its own. */
export class Links {
  private readonly links = new Map<string, Link>();

  of(from: string, to: string): Link {
    const key = `${from}>${to}`;
    let link = this.links.get(key);
    if (link === undefined) {
      // A host reaches itself without a wire.
      link = { ...GOOD, ...(from === to ? { latencyUs: 10, jitterUs: 1 } : {}) };
      this.links.set(key, link);
    }
    return link;
  }

  /** Changes every link from one of `from` to one of `to`, but none of a host to itself. */
  change(from: readonly string[], to: readonly string[], change: Partial<Link>): void {
    for (const source of from) {
      for (const target of to) {
        if (source !== target) Object.assign(this.of(source, target), change);
      }
    }
  }

  /** Nobody on one side hears anybody on the other. */
  split(one: readonly string[], other: readonly string[]): void {
    this.change(one, other, { isCut: true });
    this.change(other, one, { isCut: true });
  }

  heal(): void {
    for (const [key, link] of this.links) {
      const [from, to] = key.split('>');
      if (from !== to) Object.assign(link, GOOD);
    }
  }
}
