import type { Prng } from '../base/prng.ts';
import { AddWatchMode, CreateMode, Err, Op } from '../protocol/constants.ts';
import type { RecordOf } from '../protocol/records.ts';
import { type Actor, createRequest, setRequest } from './actor.ts';
import { textOf } from './commands.ts';
import { LOCKS, lockOnce } from './lock.ts';

/** Znodes that workloads share; few, so that clients meet. */
const REGISTERS = ['/r/0', '/r/1', '/r/2'];
const COUNTER = '/r/counter';
const LEAVES = ['/t/a', '/t/b', '/t/a/c', '/t/b/d'];
const DIRECTORIES = ['/r', '/t', LOCKS, ...REGISTERS];
const STAMPEDE_CALLS = 25;
const STREAM_CALLS = 20;

type Step = (actor: Actor) => Promise<unknown>;

/** What a client may do next, by name: swarms of seeds switch them on and off. */
const STEPS: Readonly<Record<string, Step>> = {
  write: (actor) => actor.set(actor.prng.pick(REGISTERS), actor.freshValue()),
  read: (actor) => actor.get(actor.prng.pick(REGISTERS)),
  syncedRead: async (actor) => {
    const path = actor.prng.pick(REGISTERS);
    // Both are under way at once, as clients do it: the order of a session is enough.
    await Promise.all([actor.sync(path), actor.get(path)]);
  },
  count,
  conditional: (actor) =>
    actor.set(actor.prng.pick(REGISTERS), actor.freshValue(), actor.prng.below(20)),
  create: (actor) => actor.create(actor.prng.pick(LEAVES), actor.freshValue()),
  remove: (actor) => actor.delete(actor.prng.pick(LEAVES)),
  list: (actor) => actor.children(actor.prng.pick(['/', '/t', '/t/a', LOCKS])),
  ephemeral: (actor) => actor.create(`/t/e${actor.prng.below(6)}`, '', CreateMode.ephemeral),
  sequential: (actor) => actor.create('/t/s-', '', CreateMode.ephemeralSequential),
  multi,
  lock: lockOnce,
  watchData: (actor) => actor.get(actor.prng.pick([...REGISTERS, ...LEAVES]), true),
  watchExists: (actor) => actor.exists(actor.prng.pick(LEAVES), true),
  watchChildren: (actor) => actor.children(actor.prng.pick(['/t', '/t/a', LOCKS]), true),
  watchLasting: (actor) => {
    const { persistent, persistentRecursive } = AddWatchMode;
    return actor.addWatch(
      actor.prng.pick(['/t', '/r/0']),
      actor.prng.pick([persistent, persistentRecursive]),
    );
  },
  config: (actor) => actor.get('/zookeeper/config', actor.prng.chance(0.3)),
  // What becomes of these, the configuration of the leader decides.
  quota,
  large: (actor) => actor.set('/t/b', 'x'.repeat(3_000)),
  outlived: (actor) => actor.createOutlived('/t/ttl', 300),
  restrict: (actor) => actor.restrict(actor.prng.pick(LEAVES)),
  counters: async (actor) => {
    await Promise.all([
      actor.set('/zookeeper/quota', actor.freshValue()),
      actor.create('/w'),
      actor.delete('/w'),
      actor.create('/zookeeper/w-', '', CreateMode.ephemeralSequential),
    ]);
  },
  closeSession: (actor) => actor.client.closeSession(),
  abandon: (actor) => actor.client.abandonSession(),
  move,
  stampede: (actor) =>
    Promise.all(Array.from({ length: STAMPEDE_CALLS }, () => actor.get(REGISTERS[0] as string))),
  stream,
  pipeline: (actor) =>
    Promise.all(
      Array.from({ length: 6 }, (_, i) => {
        const path = REGISTERS[0] as string;
        return i % 2 === 0 ? actor.set(path, actor.freshValue()) : actor.get(path);
      }),
    ),
};

export const STEP_NAMES: readonly string[] = Object.keys(STEPS);

/** Adds one to a number that others add to, by compare-and-set. */
async function count(actor: Actor): Promise<void> {
  const read = await actor.get(COUNTER);
  if (read.outcome !== 'answered') return;
  if (read.err === Err.noNode) {
    await actor.create(COUNTER, '0');
    return;
  }
  const { data, stat } = read.reply as RecordOf<'GetDataResponse'>;
  await actor.set(COUNTER, String(Number(textOf(data)) + 1), stat.version);
}

/** Few znodes may be below /t. */
async function quota(actor: Actor): Promise<void> {
  const limits = 'count=4,bytes=-1=;byteHardLimit=-1;countHardLimit=6';
  await actor.create('/zookeeper/quota/t');
  await actor.create('/zookeeper/quota/t/zookeeper_limits', limits);
  await actor.create('/zookeeper/quota/t/zookeeper_stats', 'count=0,bytes=0');
}

/** Calls without waiting for the last one's answer, over whatever happens to leaders meanwhile. */
async function stream(actor: Actor): Promise<unknown> {
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < STREAM_CALLS; i++) {
    calls.push(actor.set(actor.prng.pick(REGISTERS), actor.freshValue()));
    await actor.client.pause(actor.prng.exponential(20));
  }
  return Promise.all(calls);
}

/** Several at once, of which any may fail and take the others with it. */
function multi(actor: Actor): Promise<unknown> {
  const { prng } = actor;
  const leaf = prng.pick(LEAVES);
  const any = [
    { type: Op.setData, request: setRequest(prng.pick(REGISTERS), actor.freshValue(), -1) },
    { type: Op.create2, request: createRequest(leaf, '', CreateMode.persistent) },
    { type: Op.delete, request: { path: leaf, version: -1 } },
    { type: Op.check, request: { path: prng.pick(REGISTERS), version: prng.below(10) } },
  ] as const;
  return actor.multi(prng.shuffled(any).slice(0, prng.between(1, any.length)));
}

/** Writes are under way when the session leaves their connection: each is done once or never. */
function move(actor: Actor): Promise<unknown> {
  const path = actor.prng.pick(REGISTERS);
  const writes = [1, 2, 3].map(() => actor.set(path, actor.freshValue()));
  return Promise.all([...writes, actor.client.pause(1).then(() => actor.client.move())]);
}

/** Goes on until it is over. */
export async function act(
  actor: Actor,
  steps: readonly string[],
  thinkMs: number,
  isOver: () => boolean,
): Promise<void> {
  for (const path of DIRECTORIES) await actor.create(path);
  while (!isOver()) {
    await STEPS[pickStep(actor.prng, steps)]?.(actor);
    await actor.client.pause(actor.prng.exponential(thinkMs));
  }
}

/** One of a crowd: does a little and leaves. */
export async function visit(actor: Actor): Promise<void> {
  await actor.get(REGISTERS[0] as string, true);
  await actor.set(REGISTERS[0] as string, actor.freshValue());
  await actor.create('/t/v-', '', CreateMode.ephemeralSequential);
  await actor.client.leave();
}

/** Closing sessions and stampedes are rare among what is common. */
function pickStep(prng: Prng, steps: readonly string[]): string {
  const step = prng.pick(steps);
  const isRare = ['closeSession', 'abandon', 'stampede', 'move'].includes(step);
  return isRare && prng.chance(0.8) ? prng.pick(steps) : step;
}
