import { edit, LEADERS_CHANGE, type PlantedBug, TAKING_TURNS } from './bug.ts';

const layer = 'replica';
const PIPELINES = { ...LEADERS_CHANGE, steps: ['stream', 'pipeline'], fragmentation: 0.5 };

/** Mistakes in the loop: whom a command is given to, when and how often. */
export const REPLICA_BUGS: readonly PlantedBug[] = [
  {
    name: 'commands are not sent again to a new leader',
    layer,
    breaks: 'rule 6',
    edits: [edit('replica/replica.ts', 'this.outbox.rewind();', '')],
    focus: PIPELINES,
  },
  {
    name: 'what an observer sent is relayed to a leader that it was not meant for',
    layer,
    breaks: 'rule 6; FIFO client order (ATC 2010, 2.3)',
    edits: [
      edit(
        'replica/relay.ts',
        'return way === this.way && this.leader !== null;',
        'return way > 0 && this.leader !== null;',
      ),
    ],
    focus: {
      ...PIPELINES,
      servers: 3,
      observers: 0,
      spares: 0,
      joined: 2,
      clients: 8,
      timeoutsMs: [4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000],
      faults: ['slowLinks', 'flapping', 'oneWay', 'partition'],
      safetyMs: 15_000,
    },
  },
  {
    name: 'commands are sent again in another order',
    layer,
    breaks: 'FIFO client order (ATC 2010, 2.3)',
    edits: [
      edit(
        'replica/outbox.ts',
        'this.repeated = Math.max(this.repeated, last);\n    this.sent = 0;',
        'this.repeated = Math.max(this.repeated, last);\n    this.sent = 0;\n    this.chunks.sort((a, b) => b.number - a.number);',
      ),
    ],
    focus: PIPELINES,
  },
  {
    name: 'the buffer of a chunk that was sent again is used again',
    layer,
    breaks: 'docs/found-bugs.md',
    edits: [
      edit(
        'replica/outbox.ts',
        'if (chunk.number > this.repeated) this.gathering',
        'this.gathering',
      ),
      // Dropping from the intake what is applied is the second line of defence.
      edit('replica/delivery.ts', 'intake.forget(serverId, sequence);', 'void intake;'),
    ],
    // With five, the others are a quorum without the new leader and its slow disk.
    focus: {
      ...TAKING_TURNS,
      servers: 5,
      faultEveryMs: 300,
      faults: ['takingTurns', 'slowDisk', 'slowDisk'],
    },
  },
  {
    name: 'forwarded commands are taken under any ballot, by anybody',
    layer,
    breaks: 'FIFO client order (ATC 2010, 2.3)',
    edits: [
      edit(
        'replica/replica.ts',
        'if (!this.leadsUnder(ballot)) return true;\n    this.turn.wake();',
        'this.turn.wake();',
      ),
    ],
    focus: TAKING_TURNS,
  },
  {
    name: 'sync is answered without asking anybody',
    layer,
    breaks: 'rule 17',
    edits: [
      edit(
        'server/requests.ts',
        'const waits = opcode === Op.sync || (context.limits',
        'const waits = opcode < 0 || (context.limits',
      ),
    ],
    focus: {
      safetyMs: 4_000,
      steps: ['write', 'syncedRead'],
      faults: ['slowLinks', 'pause'],
      lyingDisksMax: 0,
    },
  },
  {
    name: 'a read index serves whoever asked later, too',
    layer,
    breaks: 'rule 17; etcd #20418',
    edits: [
      edit(
        'replica/barriers.ts',
        'if (group !== undefined) group.slot ??= slot;',
        'if (group !== undefined) for (const other of this.asked) other.slot ??= slot;',
      ),
    ],
    focus: {
      safetyMs: 4_000,
      thinkMs: 2,
      clients: 6,
      timeoutsMs: [4_000, 4_000, 4_000, 4_000, 4_000, 4_000],
      steps: ['write', 'syncedRead'],
      faults: ['slowLinks'],
      faultEveryMs: 500,
      lyingDisksMax: 0,
    },
  },
  {
    name: 'a watch event comes behind the reply that shows the change',
    layer,
    breaks: 'rule 41; ATC 2010, 2.3',
    edits: [
      edit('replica/delivery.ts', '    watches.match(outcome.changes, outcome.zxid);\n', ''),
      edit(
        'replica/delivery.ts',
        'deliver(outcome: Outcome, appliedMs: number): void {',
        `deliver(outcome: Outcome, appliedMs: number): void {
    this.deliverFirst(outcome, appliedMs);
    this.options.watches.match(outcome.changes, outcome.zxid);
  }

  private deliverFirst(outcome: Outcome, appliedMs: number): void {`,
      ),
    ],
    focus: {
      safetyMs: 3_000,
      thinkMs: 5,
      steps: ['write', 'watchData', 'create', 'remove'],
      faults: [],
      lyingDisksMax: 0,
    },
  },
  {
    name: 'reads overtake a write of their session',
    isFast: true,
    layer: 'server',
    breaks: 'FIFO client order (ATC 2010, 2.3)',
    edits: [
      edit(
        'server/requests.ts',
        'if (!deferred && connection.pending.count > 0) {',
        'if (!deferred && connection.pending.count > 1_000) {',
      ),
    ],
  },
];
