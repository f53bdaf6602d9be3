import {
  DEEP_PIPELINE,
  edit,
  LEADERS_CHANGE,
  LITTLE_MEMORY,
  type PlantedBug,
  TAKING_TURNS,
} from './bug.ts';

const layer = 'consensus';

/** Who votes changes, again and again, and leaders with it. */
const MEMBERS_CHANGE = {
  ...TAKING_TURNS,
  spares: 2,
  faultEveryMs: 300,
  faults: ['reconfigure', 'reconfigure', 'takingTurns', 'kill'],
};

const SLOT_BY_SLOT = `
    {
      const after = this.decidedBefore;
      const own = core.slots.slice(after + 1, Number.POSITIVE_INFINITY);
      const logs = [own, ...[...promises.values()].map(({ entries }) => entries)];
      const mixed = [];
      let previous = core.slots.hashAt(after);
      for (let slot = after + 1; ; slot++) {
        const found = logs.flatMap((log) => log[slot - after - 1] ?? []);
        const [top] = found.sort((a, b) => b.round - a.round);
        if (top === undefined) break;
        const { round, kind, replica, body } = top;
        previous = core.options.chain(previous, slot, round, kind, replica, body);
        mixed.push({ ...top, hash: previous });
      }
      const last = after + mixed.length;
      const others = best ?? { accepted: core.accepted };
      if (mixed.length > 0) best = { ...others, last, entries: mixed };
    }
    const configurationBefore = core.configurationId;
    const decided`;

/** Mistakes in how the servers agree. */
export const CONSENSUS_BUGS: readonly PlantedBug[] = [
  {
    name: 'phase 1 adopts slot by slot',
    layer,
    breaks: 'rule 2; "Zab vs. Paxos"',
    edits: [
      edit(
        'paxos/election.ts',
        '\n    const configurationBefore = core.configurationId;\n    const decided',
        SLOT_BY_SLOT,
      ),
      // Everybody tells of every slot.
      edit(
        'paxos/acceptor.ts',
        'const withEntries = isAhead && !damaged;',
        'const withEntries = !damaged && message.decided >= slots.baseSlot;',
      ),
    ],
    faultEdits: DEEP_PIPELINE,
    focus: TAKING_TURNS,
  },
  {
    name: 'a promise counts with its first chunk',
    layer,
    breaks: 'rule 2',
    edits: [
      edit('paxos/election.ts', 'promised.isWhole = message.isLast;', 'promised.isWhole = true;'),
    ],
    focus: { ...LEADERS_CHANGE, ...LITTLE_MEMORY },
  },
  {
    name: 'a log is entered with its first chunk',
    layer,
    breaks: 'rule 2',
    edits: [
      edit(
        'paxos/acceptor.ts',
        'if (!this.stage(message) || !message.isLast) return;',
        'if (!this.stage(message)) return;',
      ),
    ],
    faultEdits: DEEP_PIPELINE,
    focus: { ...TAKING_TURNS, ...LITTLE_MEMORY },
  },
  {
    name: 'a promise is not persisted',
    layer,
    breaks: 'rule 7; Paxos Made Simple, 2.5',
    edits: [
      edit(
        'paxos/core.ts',
        'this.noteRound(ballot);\n    this.saveState();',
        'this.noteRound(ballot);',
      ),
    ],
    focus: { ...TAKING_TURNS, faults: ['takingTurns', 'pause', 'kill'] },
  },
  {
    name: 'an acceptor forgets that it promised',
    layer,
    breaks: 'Paxos Made Simple, P1a',
    edits: [
      edit(
        'paxos/acceptor.ts',
        'const isOld = compareBallots(message.ballot, core.promised) < 0;',
        'const isOld = false;',
      ),
    ],
    focus: { ...LEADERS_CHANGE, faults: ['pause', 'chained', 'slowLinks', 'oneWay'] },
  },
  {
    name: 'catching up accepts a gap',
    layer,
    breaks: 'rules 1 and 4',
    edits: [
      edit('paxos/paxos.ts', 'if (!core.slots.agreesWith(after)) return false;', ''),
      edit('replica/peers/fetcher.ts', 'f64(slot + 1);', 'f64(slot + 2);'),
    ],
    focus: { ...LEADERS_CHANGE, ...LITTLE_MEMORY },
  },
  {
    name: 'an acknowledgement counts, whatever ballot and history it names',
    layer,
    breaks: 'rule 12; ZOOKEEPER-4646',
    edits: [
      edit(
        'paxos/leader.ts',
        'if (progress === undefined || !sameBallot(message.ballot, this.ballot)) return;\n    if (message.configurationId',
        'if (progress === undefined) return;\n    if (message.configurationId',
      ),
      edit(
        'paxos/leader.ts',
        'if (hash === null || !equalBytes(hash, 0, message.hash, 0, hash.length)) return;',
        '',
      ),
      edit(
        'paxos/leader.ts',
        'if (!message.synced) {',
        'progress.match = Math.max(progress.match, message.last);\n    if (!message.synced) {',
      ),
    ],
    faultEdits: DEEP_PIPELINE,
    focus: { ...TAKING_TURNS, faults: ['takingTurns', 'slowDisk', 'powerOff'] },
  },
  {
    name: 'truncation does not lower the durable index',
    layer,
    breaks: 'rule 11; ClickHouse #102629',
    edits: [edit('paxos/core.ts', 'this.durable = Math.min(this.durable, fromSlot - 1);', '')],
    faultEdits: DEEP_PIPELINE,
    focus: TAKING_TURNS,
  },
  {
    name: 'a leader counts its own vote before its sync',
    layer,
    breaks: 'rule 7',
    edits: [
      edit(
        'paxos/leader.ts',
        'new Map([[core.id, core.isAcceptedDurable ? core.durable : 0]])',
        'new Map([[core.id, core.slots.lastSlot]])',
      ),
    ],
    focus: { ...TAKING_TURNS, faults: ['takingTurns', 'slowDisk', 'powerOff'] },
  },
  {
    name: 'a read index is used again without asking a quorum',
    layer,
    breaks: 'rule 17; etcd #20418',
    edits: [edit('paxos/leader.ts', 'return this.probeWanted;', 'return this.confirmed;')],
    focus: {
      ...TAKING_TURNS,
      safetyMs: 5_000,
      faultEveryMs: 150,
      faults: ['pause', 'oneWay', 'slowLinks', 'partition'],
      steps: ['write', 'syncedRead'],
    },
  },
  {
    name: 'what is known to be decided is noted too high',
    layer,
    breaks: 'design: hints in the records are a lower bound',
    edits: [
      edit(
        'paxos/core.ts',
        'return Math.min(chosen, this.slots.lastSlot, (stopSign ?? Number.POSITIVE_INFINITY) - 1);',
        'return Math.min(this.slots.lastSlot, (stopSign ?? Number.POSITIVE_INFINITY) - 1);',
      ),
    ],
    focus: { ...TAKING_TURNS, faults: ['takingTurns', 'kill'] },
  },
  {
    name: 'a leader reconfigures before its own first entry is decided',
    layer,
    breaks: 'rule 3; Ongaro 2015, single-server changes',
    edits: [
      edit(
        'paxos/leader.ts',
        'return this.openingSlot > 0 && this.core.decided >= this.openingSlot;',
        'return this.openingSlot > 0;',
      ),
      edit(
        'replica/proposer.ts',
        'if (solitary === null || state.slot < paxos.lastSlot) return false;',
        'if (solitary === null) return false;',
      ),
    ],
    focus: { ...MEMBERS_CHANGE, steps: ['write'] },
  },
  {
    name: 'an old configuration is listened to',
    layer,
    breaks: 'rule 21',
    edits: [
      edit(
        'paxos/acceptor.ts',
        'if (!isOld && message.configurationId >= core.configurationId) return false;',
        'if (!isOld) return false;',
      ),
      // Pre-vote keeps who does not know of the next one from ever asking.
      edit(
        'paxos/election.ts',
        'const behind = lacks || message.configurationId < core.configurationId;',
        'const behind = lacks;',
      ),
    ],
    focus: MEMBERS_CHANGE,
  },
];
