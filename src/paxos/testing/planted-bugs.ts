import type { Acceptor } from '../acceptor.ts';
import { compareBallots, NO_BALLOT } from '../ballot.ts';
import type { Core } from '../core.ts';
import type { Election, Promised } from '../election.ts';
import type { Entry } from '../entry.ts';
import type { Leader } from '../leader.ts';
import type { Message } from '../messages.ts';
import { Paxos, type PaxosOptions } from '../paxos.ts';
import { testChain } from './chain.ts';
import { run, type Weights } from './chaos.ts';
import { HONEST, type Hooks } from './member.ts';

/** A mistake that others made, or that a careless change would bring back. */
export interface PlantedBug {
  readonly name: string;
  /** What the mistake breaks. */
  readonly breaks: string;
  /** Within so many seeds the harness has to find it. */
  readonly seedsMax: number;
  readonly hooks: Hooks;
  readonly focus: Partial<Weights>;
}

/** A core's insides. Breaking them is all that they are reached for. */
interface Insides {
  core: Core;
  acceptor: Acceptor;
  election: Election;
  leading: Leader | null;
}

type Any = Record<string, unknown>;

/** A core with some of its insides replaced. */
function broken(breakIt: (insides: Insides, paxos: Paxos) => void): Partial<Hooks> {
  return {
    create: (options: PaxosOptions) => {
      const paxos = new Paxos(options);
      breakIt(paxos as unknown as Insides, paxos);
      return paxos;
    },
  };
}

function replaceGetter(target: object, name: string, get: () => unknown): void {
  Object.defineProperty(target, name, { get, configurable: true });
}

/** Replaces a method, private ones too; the new one is given the old one. */
function replaceMethod(
  target: object,
  name: string,
  make: (old: (...args: never[]) => unknown) => (...args: never[]) => unknown,
): void {
  const methods = target as unknown as Any;
  const old = methods[name] as (...args: never[]) => unknown;
  methods[name] = make(old.bind(target));
}

function bug(
  name: string,
  breaks: string,
  seedsMax: number,
  hooks: Partial<Hooks>,
  focus: Partial<Weights> = {},
): PlantedBug {
  return { name, breaks, seedsMax, hooks: { ...HONEST, ...hooks }, focus };
}

const onDelivery = (change: (message: Message) => Message): Partial<Hooks> => ({
  deliver: (message) => change(message),
});

/** Phase 1 slot by slot: of each slot the entry of the highest ballot, chained anew. */
function mixLogs({ election, core }: Insides): void {
  replaceMethod(election, 'win', (win) => () => {
    const promises = (election as unknown as { promises: Map<number, Promised> }).promises;
    const after = (election as unknown as { decidedBefore: number }).decidedBefore;
    const own = { accepted: core.accepted, entries: core.slots.slice(after + 1, 1e9) };
    const logs = [own, ...promises.values()].sort((a, b) => compareBallots(b.accepted, a.accepted));
    let previous = core.slots.hashAt(after) as Uint8Array;
    const mixed: Entry[] = [];
    for (let slot = after + 1; ; slot++) {
      const found = logs.map(({ entries }) => entries[slot - after - 1]).find((e) => e);
      if (found === undefined) break;
      const { round, kind, replica, body } = found;
      previous = testChain(previous, slot, round, kind, replica, body);
      mixed.push({ ...found, hash: previous });
    }
    for (const [id, promised] of promises) {
      const last = Math.max(promised.last, after + mixed.length);
      const accepted = logs[0]?.accepted ?? NO_BALLOT;
      promises.set(id, { ...promised, accepted, last, entries: [...mixed] });
    }
    win();
  });
}

/** Each mistake in its own core, disk or network; the production code knows nothing of them. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  bug('acknowledges before the sync', 'rule 7; etcd #14370', 20, {
    writtenEarly: (write) => write.kind === 'append',
  }),
  bug('a leader counts its own vote before its sync', 'rule 7', 200, {
    ...broken(({ core }, paxos) => {
      replaceMethod(paxos, 'propose', (propose) => (...args) => {
        const slot = propose(...args);
        core.durable = core.slots.lastSlot;
        return slot;
      });
    }),
  }),
  bug('a promise is not persisted', 'rule 7; Paxos Made Simple, 2.5', 20, {
    persist: (write, { state }) =>
      write.kind === 'state'
        ? { ...write, state: { ...write.state, promised: state.promised } }
        : write,
  }),
  bug('adopt is torn in two: the state without the log', 'rule 2', 2000, {
    tear: (write) => (write.kind === 'adopt' ? { kind: 'state', state: write.state } : null),
  }),
  bug('a promise counts with its first chunk', 'rule 2', 2000, {
    ...onDelivery((m) => (m.type === 'promise' ? { ...m, isLast: true } : m)),
  }),
  bug('a log is entered chunk by chunk', 'rule 2', 2000, {
    ...onDelivery((m) => (m.type === 'acceptSync' ? { ...m, isLast: true } : m)),
  }),
  bug('phase 1 adopts slot by slot', 'rule 2; "Zab vs. Paxos"', 2000, broken(mixLogs)),
  bug('phase 1 adopts the longest log, whatever its ballot', 'P2c', 2000, {
    deliver: (m, { paxos }) =>
      m.type === 'promise' && paxos !== null ? { ...m, accepted: paxos.accepted } : m,
  }),
  bug('truncation does not lower the durable index', 'rule 11; ClickHouse #102629', 2000, {
    ...broken(({ core }) => {
      replaceMethod(core, 'truncate', (truncate) => (...args) => {
        const { durable } = core;
        truncate(...args);
        core.durable = Math.min(durable, core.slots.lastSlot + 1);
      });
    }),
  }),
  bug('what a heartbeat says to be there counts as acknowledged', 'rule 12; ZOOKEEPER-4646', 500, {
    deliver: (m, { paxos }) => {
      if (m.type !== 'heartbeatReply' || !m.synced || paxos?.role !== 'leader') return m;
      const { ballot, configurationId, last: slot } = m;
      const hash = paxos.hashAt(slot);
      return hash === null ? m : { type: 'accepted', ballot, configurationId, slot, hash };
    },
  }),
  bug('an acceptor forgets that it promised', 'P1a', 500, {
    ...broken(({ acceptor }) => replaceMethod(acceptor, 'refuses', () => () => false)),
  }),
  bug('an old configuration is listened to', 'rule 21', 3000, {
    ...broken(({ acceptor }) =>
      replaceMethod(acceptor, 'refuses', (refuses) => (...args) => {
        const [from, message] = args as unknown as [number, Message];
        return refuses(...([from, { ...message, configurationId: 1e9 }] as unknown as never[]));
      }),
    ),
  }),
  bug('an accept does not name its predecessor', 'rules 1 and 13', 2000, {
    ...broken(({ core }) => {
      core.slots.agreesWith = () => true;
    }),
  }),
  bug('entries follow a stop-sign that is not chosen', 'rule 21', 2000, {
    ...broken(({ core }) => replaceGetter(core, 'openStopSign', () => null)),
  }),
  bug('a leader goes on behind a stop-sign', 'found by seed 47611', 5000, {
    ...broken((insides, paxos) => {
      replaceMethod(paxos, 'configurationChanged', () => () => {
        const { leading, core } = insides;
        if (leading === null) return;
        leading.announce();
        core.accepted = leading.ballot;
        (leading as unknown as Any).configurationId = core.configurationId;
        leading.addLearner(core.id);
      });
    }),
  }),
  bug(
    'a ballot of an earlier configuration counts in the next',
    'design: inherited stop-sign',
    5000,
    {
      ...broken(({ core }) => {
        replaceMethod(core, 'takeForce', (takeForce) => (...args) => {
          const { accepted } = core;
          takeForce(...args);
          core.accepted = accepted;
        });
      }),
    },
  ),
  bug('a wiped voter rejoins under its old identity', "rule 22; Michael et al., DISC'17", 200, {
    recover: (storage) => {
      storage.entries = [];
      storage.base = { slot: 0, hash: new Uint8Array(32) };
      storage.decidedHint = 0;
      storage.state = {
        promised: NO_BALLOT,
        accepted: NO_BALLOT,
        configuration: storage.state.configuration,
      };
    },
  }),
  bug('a damaged replica votes', "rule 24; Protocol-Aware Recovery, FAST'18", 5000, {
    create: (options) => new Paxos({ ...options, damaged: false }),
  }),
  bug(
    'damage is repaired under the ballot that it happened under',
    'VRR 4.3',
    2500,
    {
      ...broken(({ acceptor, core }) => {
        replaceMethod(acceptor, 'onAcceptSync', (onAcceptSync) => (...args) => {
          const { accepted } = core;
          if (core.damaged) core.accepted = NO_BALLOT;
          onAcceptSync(...args);
          if (core.damaged) core.accepted = accepted;
        });
      }),
    },
    {
      damage: 15,
      crash: 0,
      start: 15,
      propose: 15,
      disk: 100,
      reconfigure: 0,
      pause: 0,
      partition: 0,
    },
  ),
  bug(
    'a snapshot drops what was accepted behind it',
    'found by seed 10774',
    1500,
    {
      ...broken(({ core }, paxos) => {
        replaceMethod(paxos, 'learn', (learn) => (...args) => {
          const entries = args[1] as unknown as readonly Entry[];
          return entries.length > 0 && learn(...args);
        });
        replaceMethod(paxos, 'installed', (installed) => (...args) => {
          const { agreesWith } = core.slots;
          core.slots.agreesWith = () => false;
          installed(...args);
          core.slots.agreesWith = agreesWith;
        });
      }),
    },
    {
      trim: 60,
      fetch: 40,
      crash: 6,
      start: 12,
      disk: 60,
      deliver: 100,
      tick: 20,
      reconfigure: 0,
      pause: 0,
      damage: 0,
      partition: 0,
      propose: 15,
    },
  ),
  bug(
    'a read index is used again',
    'rule 17; etcd #20418',
    800,
    {
      ...broken((_insides, paxos) => {
        paxos.confirm = () => paxos.confirmedProbe;
      }),
    },
    {
      read: 100,
      deliver: 300,
      disk: 60,
      tick: 20,
      propose: 20,
      pause: 0,
      partition: 3,
      heal: 1,
      crash: 0,
      handOver: 10,
    },
  ),
  bug('what is chosen is applied before it is durable', 'rule 12; ZOOKEEPER-3911', 500, {
    ...broken(({ core }) => {
      replaceMethod(core, 'deliver', (deliver) => () => {
        const { durable } = core;
        core.durable = core.slots.lastSlot;
        deliver();
        core.durable = durable;
      });
    }),
  }),
];

/** The first seed that shows the bug, and by which invariant; null if none up to `seedsMax` does. */
export function findBug(
  { hooks, focus }: PlantedBug,
  seedsMax: number,
): { readonly seeds: number; readonly by: string } | null {
  for (let seed = 1; seed <= seedsMax; seed++) {
    try {
      run(seed, { hooks, focus });
    } catch (error) {
      return { seeds: seed, by: (error as Error).message.split('\n')[0] as string };
    }
  }
  return null;
}
