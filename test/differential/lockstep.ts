import { compareStreams, type Mismatch, sortClosings, type Tolerance } from './compare.ts';
import type { Item, Link } from './link.ts';
import { type Normal, Normalizer } from './normalize.ts';
import { type Side, sessionOf } from './side.ts';
import type { Attach, Episode, Op, Step } from './steps.ts';

/**
 * Lock-step mode: each step goes to both servers and is answered by both before the next begins, so
 * every field is comparable, zxids and the place of events among replies included. What a step of
 * one connection made other connections hear is compared when their own turn comes.
 */

export interface Options {
  readonly tolerance: Tolerance;
  readonly answerMs: number;
  /** Counts what was compared, by kind and code. */
  readonly tally?: Map<string, number>;
}

export interface Difference {
  readonly episode: Episode;
  readonly step: Step;
  readonly slot: number;
  readonly mismatch: Mismatch;
  readonly context: readonly string[];
}

const CONTEXT = 6;

export async function runEpisode(
  sides: readonly [Side, Side],
  episode: Episode,
  options: Options,
): Promise<Difference | undefined> {
  await Promise.all(sides.map((side) => side.begin(episode.root)));
  const run = new Run(sides, episode, options);
  const difference = await run.all();
  await Promise.all(sides.map((side) => side.cleanUp()));
  return difference;
}

class Run {
  private readonly sides: readonly [Side, Side];
  private readonly normalizers: readonly [Normalizer, Normalizer];
  private readonly episode: Episode;
  private readonly options: Options;
  private readonly closings = new Set<unknown>();
  private readonly context: string[] = [];

  constructor(sides: readonly [Side, Side], episode: Episode, options: Options) {
    this.sides = sides;
    this.episode = episode;
    this.options = options;
    const [a, b] = sides;
    this.normalizers = [normalizer(a), normalizer(b)];
  }

  async all(): Promise<Difference | undefined> {
    for (const step of this.episode.steps) {
      if (this.skipped(step)) continue;
      const mismatch = await this.step(step);
      if (mismatch !== undefined) return mismatch;
    }
    return undefined;
  }

  /** A shrunk episode may lack the step that opened a connection. */
  private skipped(step: Step): boolean {
    if (step.kind === 'connect') return false;
    return this.sides.some((side) => {
      if (step.kind === 'attach') return !side.sessions.has(step.session);
      return side.links.get(step.slot)?.closed ?? true;
    });
  }

  private async step(step: Step): Promise<Difference | undefined> {
    const holder = step.kind === 'attach' ? this.holderOf(step) : undefined;
    const settled = await Promise.all(this.sides.map((side) => this.carryOut(side, step)));
    if (step.kind === 'attach' && holder !== undefined) {
      const found = await this.afterSteal(step, holder);
      if (found !== undefined) return found;
    }
    if (step.kind === 'kill') return undefined;
    return this.compare(step, step.slot, settled as [boolean, boolean]);
  }

  /**
   * ZooKeeper closes the session's old connection before it looks at the password. A server that
   * keeps it when the password is wrong does better, and may; both lose it here.
   */
  private async afterSteal(step: Attach, holder: number): Promise<Difference | undefined> {
    const links = this.sides.map((side) => side.links.get(holder));
    if (step.password === 'right') await Promise.all(links.map((link) => this.closed(link)));
    else for (const link of links) link?.destroy();
    await Promise.all(links.map((link) => this.closed(link)));
    return this.compare(step, holder, [true, true]);
  }

  /** The other connection that holds the session, which the server is going to close. */
  private holderOf(step: Attach): number | undefined {
    if (step.handshake.lastZxidSeen === 'ahead') return undefined;
    const [side] = this.sides;
    for (const [slot, link] of side.links) {
      if (slot !== step.slot && !link.closed && side.holds(slot) === step.session) return slot;
    }
    return undefined;
  }

  private closed(link: Link | undefined): Promise<boolean> {
    return link?.settled(true, this.options.answerMs) ?? Promise.resolve(true);
  }

  private async carryOut(side: Side, step: Step): Promise<boolean> {
    const { answerMs } = this.options;
    if (step.kind === 'burst' || step.kind === 'kill') {
      side.send(step.slot, step.ops);
      const link = side.links.get(step.slot);
      if (step.kind === 'kill') link?.destroy();
      const closing = step.kind === 'kill' || step.ops.some((op) => op.closes !== undefined);
      return (await link?.settled(closing, answerMs)) ?? true;
    }
    const link = step.kind === 'connect' ? side.connect(step) : side.attach(step);
    const settled = await link.settled(false, answerMs);
    const answer = link.handshake;
    if (answer === undefined) return settled;
    const session = sessionOf(answer);
    if (session.id === 0n) return link.settled(true, answerMs);
    side.bind(step.slot, step.kind === 'connect' ? step.id : step.session, session);
    return settled;
  }

  private compare(
    step: Step,
    slot: number,
    settled: readonly [boolean, boolean],
  ): Difference | undefined {
    const [a, b] = this.sides.map((side, i) => this.stream(side, i, step, slot, settled));
    const left = sortClosings(a ?? [], this.closings);
    const right = sortClosings(b ?? [], this.closings);
    const mismatch =
      compareStreams(left, right, this.options.tolerance) ?? this.violations(left, right);
    this.remember(step, slot, left);
    if (mismatch === undefined) return undefined;
    const { episode } = this;
    return { episode, step, slot, mismatch, context: this.context.slice(-CONTEXT) };
  }

  private stream(
    side: Side,
    i: number,
    step: Step,
    slot: number,
    settled: readonly [boolean, boolean],
  ): Normal[] {
    const normalizer = this.normalizers[i] as Normalizer;
    const items = upToClosing(side.links.get(slot)?.take() ?? [], step);
    const normals = items.map((item) => normalizer.item(item));
    if (settled[i] === false) normals.push({ what: 'no answer' });
    for (const normal of normals) {
      if (i === 0) this.count(normal);
      if (normal.what === 'reply to closeSession') this.closings.add(normal.zxid);
    }
    return normals;
  }

  private count(normal: Normal): void {
    const { what, kind, type, err, body } = normal;
    const key = [what, kind, type, err].filter((part) => part !== undefined).join(' ');
    this.options.tally?.set(key, (this.options.tally.get(key) ?? 0) + 1);
    if (!Array.isArray(body)) return;
    for (const part of body) this.count({ what: `part of a ${String(what)}`, ...part });
  }

  private violations(left: readonly Normal[], right: readonly Normal[]): Mismatch | undefined {
    const [a, b] = this.normalizers.map((normalizer) => normalizer.violations[0]);
    if (a === undefined && b === undefined) return undefined;
    return {
      index: 0,
      field: 'time',
      a: { ...left[0], violation: a },
      b: { ...right[0], violation: b },
    };
  }

  private remember(step: Step, slot: number, stream: readonly Normal[]): void {
    const answers = stream.map((normal) => JSON.stringify(normal, printable)).join('\n      ');
    this.context.push(`step ${step.id} ${step.kind} connection ${slot}\n      ${answers}`);
    if (this.context.length > CONTEXT) this.context.shift();
  }
}

function normalizer(side: Side): Normalizer {
  return new Normalizer(side, (zxid) => {
    if (zxid <= 0) return zxid;
    return zxid < side.base ? 'old' : `+${zxid - side.base}`;
  });
}

/**
 * Behind the reply to closeSession, and behind a refusal that closes, whatever was pipelined may or
 * may not be answered: only the close itself counts.
 */
function upToClosing(items: readonly Item[], step: Step): readonly Item[] {
  if (step.kind !== 'burst') return items;
  const closer: Op | undefined = step.ops.find((op) => op.closes === 'replied');
  if (closer === undefined) return items;
  const at = items.findIndex((item) => item.kind === 'reply' && item.expected.id === closer.id);
  if (at < 0) return items;
  const closed = items.filter((item) => item.kind === 'closed');
  return [...items.slice(0, at + 1), ...closed];
}

export function printable(_key: string, value: unknown): unknown {
  if (typeof value === 'string' && value.length > 200) {
    return `${value.slice(0, 100)}... ${value.length} characters`;
  }
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
}
