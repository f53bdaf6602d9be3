import { runBlocks } from '../../base/testing/script-blocks.ts';
import { utf8Decode, utf8Encode } from '../../base/utf8.ts';
import { NO_HASH } from '../../paxos/testing/chain.ts';
import type { Entry } from '../entry.ts';
import { Gossip } from '../gossip.ts';
import type { Fact, MemberId } from '../member.ts';
import type { Envelope, Message } from '../messages.ts';
import type { Change } from '../output.ts';
import { hashOf, idOf, metaOf } from './world.ts';

/** Nothing happens by itself in a script but what its prose is about. */
const TUNING = {
  ...{ probeTicks: 4, probeTimeoutTicks: 2, rumourTicks: 2, suspicionFactor: 2 },
  ...{ exchangeTicks: 1_000_000, refreshTicks: 1_000_000, digestTicks: 1_000_000, degree: 0 },
};

interface Packet extends Envelope {
  readonly from: string;
}

/**
 * Interprets a script and returns it with what happened after each command. Prose stands between
 * blocks; a block is commands, a line `----`, what they lead to, and an empty line.
 *
 * `members A B C D` (A is a voter), `know` (all know all), `feed A B` (a link, along which A
 * pushes), `link C D` (a link), `gossip A 10` (A announces the next entry), `deliver A->B`,
 * `settle` (delivers until nothing is under way), `tick 3` (all tick, and hear each other after
 * each), `crash B`, `restart B`, `leave B`, `quiet ping ack` (these are not shown), `status`.
 */
export function runScript(text: string): string {
  return new Script().run(text);
}

class Script {
  private readonly members = new Map<string, Gossip>();
  private readonly incarnations = new Map<string, number>();
  private readonly logs = new Map<string, Entry[]>();
  private readonly quiet = new Set<string>();
  private readonly log: Entry[] = [];
  private underWay: Packet[] = [];
  private lines: string[] = [];

  run(text: string): string {
    return runBlocks(text, (commands) => {
      this.lines = [];
      for (const command of commands) this.runCommand(command);
      return this.lines;
    });
  }

  private runCommand(line: string): void {
    const [name = '', ...words] = line.split(' ');
    const [first = '', second = ''] = words;
    const verbs: Record<string, () => void> = {
      members: () => {
        for (const word of words) this.start(word);
      },
      know: () => this.introduce(),
      feed: () => this.link(first, second, true),
      link: () => this.link(first, second, false),
      gossip: () => this.announce(first, second),
      deliver: () => this.deliver(({ from, to }) => `${from}->${nameOf(to)}` === first),
      settle: () => this.settle(),
      tick: () => this.tick(Number(first)),
      crash: () => this.crash(first),
      restart: () => this.start(first),
      leave: () => this.step(first, (gossip) => gossip.leave()),
      quiet: () => {
        for (const word of words) this.quiet.add(word);
      },
      status: () => this.status(),
    };
    const verb = verbs[name];
    if (verb === undefined) throw new Error(`unknown command: ${line}`);
    verb();
  }

  private start(name: string): void {
    const incarnation = (this.incarnations.get(name) ?? 0) + 1;
    this.incarnations.set(name, incarnation);
    const log = this.logs.get(name) ?? [];
    this.logs.set(name, log);
    const gossip = new Gossip({
      id: idOf(indexOf(name)),
      incarnation,
      meta: metaOf(indexOf(name), name === 'A' ? 'voter' : 'observer'),
      anchor: log.at(-1) ?? { slot: 0, hash: NO_HASH },
      isGenuine: () => true,
      random: () => 0,
      tuning: TUNING,
    });
    this.members.set(name, gossip);
  }

  private introduce(): void {
    const facts = [...this.members.values()].map(
      ({ id, meta, incarnation }): Fact => ({
        ...{ id, status: 'alive', incarnation, life: incarnation, counter: 0 },
        ...{ meta, accuser: null, ageTicks: 0 },
      }),
    );
    for (const name of this.members.keys()) {
      const others = facts.filter(({ id }) => nameOf(id) !== name);
      const teacher = others[0]?.id ?? idOf(0);
      const message: Message = { type: 'exchange', wantsReply: false, facts: others };
      this.members.get(name)?.receive(teacher, message, null);
      this.members.get(name)?.drain();
    }
  }

  private link(one: string, other: string, feeds: boolean): void {
    const slot = this.logs.get(other)?.length ?? 0;
    const ask: Message = { type: 'link', isUrgent: false, wantsFeed: false, slot };
    for (const [to, from, wantsFeed] of [
      [one, other, feeds],
      [other, one, false],
    ] as const) {
      const gossip = this.members.get(to);
      gossip?.receive(idOf(indexOf(from)), { ...ask, wantsFeed }, null);
      gossip?.drain();
    }
  }

  private announce(name: string, text: string): void {
    const previous = this.log.at(-1)?.hash ?? NO_HASH;
    const slot = this.log.length + 1;
    const body = utf8Encode(text);
    const entry = { slot, previous, hash: hashOf(previous, slot, body), body };
    this.log.push(entry);
    this.logs.get(name)?.push(entry);
    this.step(name, (gossip) => gossip.announce([entry]));
  }

  private crash(name: string): void {
    this.incarnations.set(name, this.members.get(name)?.incarnation ?? 0);
    this.members.delete(name);
  }

  private tick(count: number): void {
    for (let i = 0; i < count; i++) {
      for (const name of this.members.keys()) this.step(name, (gossip) => gossip.tick());
      this.settle();
    }
  }

  private settle(): void {
    while (this.underWay.length > 0) this.deliver(() => true);
  }

  private deliver(fits: (packet: Packet) => boolean): void {
    const chosen = this.underWay.filter(fits);
    this.underWay = this.underWay.filter((packet) => !chosen.includes(packet));
    for (const { from, to, message } of chosen) {
      const sender = idOf(indexOf(from));
      const { address } = metaOf(indexOf(from), 'observer');
      this.step(nameOf(to), (gossip) => gossip.receive(sender, message, address));
    }
  }

  private step(name: string, act: (gossip: Gossip) => void): void {
    const gossip = this.members.get(name);
    if (gossip === undefined) return;
    act(gossip);
    const { sends, changes, deliveries } = gossip.drain();
    for (const { body, slot } of deliveries) {
      this.logs.get(name)?.push(this.log[slot - 1] as Entry);
      this.lines.push(`${name} learns ${utf8Decode(body, 0, body.length)} at slot ${slot}`);
    }
    for (const change of changes) this.lines.push(`${name}: ${describeChange(change)}`);
    for (const envelope of sends) this.send(name, envelope);
  }

  private send(from: string, envelope: Envelope): void {
    this.underWay.push({ ...envelope, from });
    const { message, to } = envelope;
    if (this.quiet.has(message.type)) return;
    this.lines.push(`${from} -> ${nameOf(to)} ${describeMessage(message)}`);
  }

  private status(): void {
    for (const [name, gossip] of this.members) {
      const values = (this.logs.get(name) ?? []).map(({ body }) =>
        utf8Decode(body, 0, body.length),
      );
      const others = gossip.rows.slice(1).map(({ id, status }) => `${nameOf(id)} ${status}`);
      const knows = others.sort().join(', ');
      this.lines.push(`${name}.${gossip.incarnation}: log [${values.join(' ')}], ${knows}`);
    }
  }
}

const LETTERS = 'ABCDEFGH';

function indexOf(name: string): number {
  return LETTERS.indexOf(name);
}

function nameOf(id: MemberId | null): string {
  return id === null ? '?' : (LETTERS[Number(`0x${id}`) - 1] ?? '?');
}

function describeChange({ kind, id, incarnation }: Change): string {
  return `${nameOf(id)}.${incarnation} ${kind}`;
}

function describeMessage(message: Message): string {
  const { type } = message;
  switch (type) {
    case 'push': {
      const bodies = message.entries.map(({ body, slot }) => {
        return `${slot}=${utf8Decode(body, 0, body.length)}`;
      });
      return `push ${bodies.join(' ')} round=${message.round} feed=${message.isFeed}`;
    }
    case 'have':
      return `have ${message.first}..${message.last} round=${message.round} feed=${message.isFeed}`;
    case 'want':
      return `want ${message.slot} feed=${message.feed}`;
    case 'ping':
    case 'ack':
    case 'nack':
    case 'rumours':
    case 'exchange':
    case 'pingRequest': {
      const target = 'target' in message ? ` ${nameOf(message.target)}` : '';
      return [type + target, ...message.facts.map(describeFact)].join(' | ');
    }
    default:
      return type;
  }
}

function describeFact({ id, status, incarnation, accuser }: Fact): string {
  const by = accuser === null ? '' : ` by ${nameOf(accuser)}`;
  return `${nameOf(id)}.${incarnation} ${status}${by}`;
}
