import { Prng } from '../../base/prng.ts';
import { runBlocks } from '../../base/testing/script-blocks.ts';
import { Cluster, describeMember } from './cluster.ts';
import { ballotKey } from './ghost.ts';
import type { Packet } from './links.ts';
import { HONEST, type Member } from './member.ts';

/** Chance has no part in a script: nothing is torn, no time-out is longer than it must be. */
class NoChance extends Prng {
  override below(): number {
    return 0;
  }

  override chance(): boolean {
    return false;
  }
}

const QUIET = new Set(['heartbeat', 'heartbeatReply']);

/**
 * Interprets a script and returns it with what happened after each command. Prose stands between
 * blocks; a block is commands, a line `----`, what they lead to, and an empty line.
 *
 * `cluster 3 [+11] [chunk=1] [retain=0]`, `tick 1 [10]`, `write 1 [1]` (completes its writes),
 * `deliver [1->2] [type] [n]` (what is under way, or n of it), `lose [1->2] [type]`, `settle`
 * (delivers and writes until nothing is left), `propose 1`, `reconfigure 1 1,2,11`, `crash 1`,
 * `start 1`, `damage 1 3`, `trim 1 3`, `cut 1->2`, `heal`, `handover 1`, `status`.
 */
export function runScript(text: string): string {
  return new Script().run(text);
}

class Script {
  private cluster: Cluster | null = null;
  private lines: string[] = [];

  run(text: string): string {
    return runBlocks(text, (commands) => {
      this.lines = [];
      for (const command of commands) this.runCommand(command);
      return this.lines;
    });
  }

  private get world(): Cluster {
    if (this.cluster === null) throw new Error('a script begins with `cluster`');
    return this.cluster;
  }

  private runCommand(line: string): void {
    const [name = '', ...words] = line.split(' ');
    if (name === 'cluster') {
      this.begin(words);
      return;
    }
    const { world } = this;
    const member = world.members.get(Number(words[0]));
    if (member !== undefined) this.runOn(member, name, words.slice(1));
    else if (name === 'settle') this.settle();
    else if (name === 'deliver') for (const packet of this.pick(words)) this.deliver(packet);
    else if (name === 'lose') this.pick(words);
    else if (name === 'heal') world.heal();
    else if (name === 'status') for (const each of world.all) this.lines.push(statusOf(each));
    else if (name === 'cut') {
      const [from = '', to = ''] = (words[0] ?? '').split('->');
      world.links.block(Number(from), Number(to));
      world.members.get(Number(to))?.step((paxos) => paxos.disconnected(Number(from)));
    } else throw new Error(`unknown command: ${line}`);
  }

  private runOn(member: Member, name: string, words: readonly string[]): void {
    const { world } = this;
    const n = Number(words[0] ?? 0);
    const verbs: Record<string, () => void> = {
      tick: () => {
        for (let i = 0; i < (n || 1); i++) member.step((paxos) => paxos.tick());
      },
      write: () => {
        for (let i = member.storage.queue.length; i > 0; i--) member.completeWrite();
      },
      propose: () => world.propose(member),
      crash: () => world.crash(member),
      start: () => world.start(member),
      damage: () => {
        member.storage.damage(n);
        this.lines.push(describeMember(member));
      },
      trim: () => member.storage.trim(n, world.ghost.configurationBehind(n)),
      handover: () => member.step((paxos) => paxos.handOver()),
      reconfigure: () => {
        const voters = (words[0] ?? '').split(',').map(Number);
        const id = (member.paxos?.configuration.id ?? 0) + 1;
        world.reconfigure(member, configurationOf(id, voters));
      },
    };
    const verb = verbs[name];
    if (verb === undefined) throw new Error(`unknown command: ${name}`);
    verb();
  }

  private begin(words: readonly string[]): void {
    const voters = Array.from({ length: Number(words[0]) }, (_, i) => i + 1);
    const spares = words.filter((word) => word.startsWith('+')).map(Number);
    const option = (name: string, otherwise: number) => {
      const word = words.find((each) => each.startsWith(`${name}=`));
      return word === undefined ? otherwise : Number(word.slice(name.length + 1));
    };
    this.cluster = new Cluster(new NoChance(1), {
      genesis: configurationOf(1, voters),
      ids: [...voters, ...spares],
      links: { inOrder: true, loss: 0, duplication: 0 },
      heartbeatTicks: 2,
      electionTicks: 10,
      retainBytes: option('retain', 1000),
      chunkBytes: option('chunk', 1000),
      hooks: HONEST,
      trace: (line) => this.note(line),
    });
  }

  private note(line: string): void {
    const type = line.split(' ')[3];
    if (type === undefined || !QUIET.has(type)) this.lines.push(line);
  }

  private pick(words: readonly string[]): Packet[] {
    const link = words.find((word) => word.includes('->'));
    const type = words.find((word) => !word.includes('->') && Number.isNaN(Number(word)));
    let left = Number(words.find((word) => Number(word) > 0) ?? Number.POSITIVE_INFINITY);
    return this.world.links.takeWhere(
      ({ from, to, message }) =>
        (link === undefined || link === `${from}->${to}`) &&
        (type === undefined || type === message.type) &&
        left-- > 0,
    );
  }

  private deliver(packet: Packet): void {
    this.world.deliver(packet);
  }

  private settle(): void {
    const { world } = this;
    for (let round = 0; round < 50; round++) {
      for (const packet of world.links.takeAll()) this.deliver(packet);
      for (const member of world.running)
        while (member.storage.queue.length > 0) member.completeWrite();
      for (const member of world.running)
        if (member.paxos?.wantsOpening === true) world.propose(member);
      for (let i = world.fetches.length; i > 0; i--) world.answerFetch();
      for (let i = world.fetched.length; i > 0; i--) world.deliverFetched();
      const isQuiet = world.running.every(({ storage }) => storage.queue.length === 0);
      if (isQuiet && world.links.size === 0 && world.fetches.length === 0) return;
    }
  }
}

function configurationOf(id: number, ids: readonly number[]) {
  const voters = ids.map((voter) => ({ id: voter, weight: 1, group: 0 }));
  return {
    id,
    quorums: { voters, electionSize: 0, writeSize: 0, hierarchical: false },
    observers: [],
  };
}

function statusOf(member: Member): string {
  const { paxos, id } = member;
  if (paxos === null) return `${id}: down`;
  const { role, promised, accepted, configuration, decidedSlot, lastSlot, isDamaged } = paxos;
  const ballots = `promised ${ballotKey(promised)} accepted ${ballotKey(accepted)}`;
  const log = `decided ${decidedSlot} of ${lastSlot}${isDamaged ? ' damaged' : ''}`;
  return `${id}: ${role} c${configuration.id} ${ballots} ${log}`;
}
