import { edit, LEADERS_CHANGE, type PlantedBug, TAKING_TURNS } from './bug.ts';

const layer = 'sessions';
const MOVES = { ...LEADERS_CHANGE, steps: ['move', 'write', 'pipeline', 'ephemeral'] };
const SHORT = [400, 400, 600, 600];

/** Mistakes about who is alive, and where. */
export const SESSION_BUGS: readonly PlantedBug[] = [
  {
    name: 'somebody who does not lead expires sessions',
    layer,
    breaks: 'rule 19',
    edits: [
      edit(
        'replica/replica.ts',
        'if (!this.keepsClocks) return;\n    this.leadership.sweep();',
        'this.leadership.sweep();',
      ),
    ],
    focus: { ...LEADERS_CHANGE, clients: 4, timeoutsMs: SHORT },
  },
  {
    name: 'a new leader starts all clocks anew, whatever the log says of silence',
    layer,
    breaks: 'rule 19: under fast changes of leaders no session ever ends',
    edits: [
      edit(
        'replica/leadership.ts',
        'this.expiry.start(high, low, timeoutMs, nowMs - (timeoutMs * age) / QUARTERS);',
        'this.expiry.start(high, low, timeoutMs, age < 0 ? 0 : nowMs);',
      ),
    ],
    focus: {
      ...LEADERS_CHANGE,
      safetyMs: 12_000,
      thinkMs: 20,
      timeoutsMs: [4_000, 4_000, 4_000, 4_000],
      steps: ['write', 'abandon'],
    },
  },
  {
    name: 'clocks of sessions start by a state of long ago',
    layer,
    breaks: 'rule 19; docs/found-bugs.md',
    edits: [
      edit(
        'replica/leadership.ts',
        'return this.startsAt !== null && this.state.slot >= this.startsAt;',
        'return this.startsAt !== null;',
      ),
      edit(
        'replica/replica.ts',
        'return this.isLeading && this.leadership.hasBegun;',
        'return this.isLeading;',
      ),
    ],
    // With five, the others are a quorum without the new leader and its slow disk.
    focus: {
      ...TAKING_TURNS,
      servers: 5,
      safetyMs: 14_000,
      thinkMs: 20,
      faultEveryMs: 300,
      faults: ['takingTurns', 'slowDisk', 'kill'],
      steps: ['write', 'abandon'],
    },
  },
  {
    name: 'nobody expires sessions',
    isFast: true,
    layer,
    breaks: "programmer's guide, ZooKeeper Sessions",
    edits: [
      edit('replica/expiry.ts', 'else expired(lease);', 'else if (last < 0) expired(lease);'),
    ],
    focus: { safetyMs: 5_000, steps: ['write', 'abandon'], faults: ['partition'] },
  },
  {
    name: 'expiry does not compare the generation',
    layer,
    breaks: 'rule 19; design: expiry names a generation',
    edits: [
      edit(
        'state/apply.ts',
        `if (session === undefined || session.generation !== header.generation) {
    outcome.verdict = Verdict.refused;
    return;`,
        `if (session === undefined) {
    outcome.verdict = Verdict.refused;
    return;`,
      ),
    ],
    focus: {
      ...MOVES,
      clients: 4,
      timeoutsMs: SHORT,
      carelessClients: 1,
      faults: ['pauseClient', 'slowDisk', 'slowLinks', 'pause'],
    },
  },
  {
    name: 'a retry is applied twice: the sequence is not compared',
    layer,
    breaks: 'rule 6',
    edits: [
      edit('state/apply.ts', 'header.sequence !== session.sequence + 1', 'header.sequence < 0'),
    ],
    focus: MOVES,
  },
  {
    name: 'a write is taken for one of whatever generation the session has',
    layer,
    breaks: 'rule 6; ZooKeeper SESSION_MOVED',
    edits: [
      edit(
        'state/apply.ts',
        `if (session === undefined || session.generation !== header.generation) {
    outcome.verdict = Verdict.refused;
    outcome.error`,
        `if (session === undefined) {
    outcome.verdict = Verdict.refused;
    outcome.error`,
      ),
    ],
    focus: {
      ...TAKING_TURNS,
      safetyMs: 5_000,
      thinkMs: 1,
      faultEveryMs: 150,
      faults: ['slowLinks'],
      steps: ['move'],
    },
  },
  {
    name: 'a connection is served after its session has moved',
    isFast: true,
    layer,
    breaks: 'rule 6; ZooKeeper SESSION_MOVED',
    edits: [
      edit(
        'replica/local-sessions.ts',
        'this.attachments.delete(high, low);\n      before.client.onDetached();',
        'this.attachments.delete(high, low);',
      ),
    ],
    focus: MOVES,
  },
  {
    name: 'pings are answered behind a partition',
    layer,
    breaks: 'rule 19; "No zombie sessions" of the design',
    edits: [
      edit(
        'replica/freshness.ts',
        'if (confirmedMs === Number.POSITIVE_INFINITY) return true;',
        'if (confirmedMs !== Number.NaN) return true;',
      ),
    ],
    focus: {
      ...LEADERS_CHANGE,
      safetyMs: 20_000,
      thinkMs: 50,
      faults: ['partition'],
      faultEveryMs: 2_500,
      clients: 6,
      timeoutsMs: [400, 400, 400, 600, 600, 600],
    },
  },
];
