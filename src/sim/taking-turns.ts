import type { Victims } from './faults.ts';
import type { SimServer } from './server.ts';

/** What may befall the server that two quorums share. */
const STROKES = ['kill', 'powerOff', 'wipe'];
const LATENCY_US_MAX = 30_000;
const RESTART_US_MAX = 20_000;
/** A server that nobody succeeds is let go then. */
const PATIENCE_US = 3_000_000;

/**
 * The adversary of every quorum system: one server hears clients and no server, and comes back at
 * the very moment another one is cut off. The quorums before and after share few servers, and at
 * that moment these may die: whatever they have forgotten, or called theirs too early, is all that
 * those after it have to go by. Mostly it is the leader's turn, before or just after it has begun,
 * as whose entries only some have.
 */
export function takingTurns(victims: Victims): () => void {
  const { cluster, network, prng } = victims;
  const { world, links } = network;
  const latencyUs = prng.magnitude(200, LATENCY_US_MAX);
  let out: SimServer | null = null;
  let isOver = false;
  let callOff = (): void => {};

  const turn = (): void => {
    if (isOver) return;
    const others = cluster.servers.filter((server) => server !== out);
    const { leader } = cluster;
    const isLeaders = leader !== null && leader !== out && prng.chance(0.7);
    const next = isLeaders ? leader : prng.pick(others);
    const shared = others.filter((server) => server !== next);
    const names = cluster.servers.map(({ name }) => name);
    if (shared.length > 0) strike(victims, prng.pick(shared));
    links.heal();
    links.change(names, names, { latencyUs, jitterUs: latencyUs / 4 });
    links.split(
      [next.name],
      names.filter((name) => name !== next.name),
    );
    out = next;
    later(isLeaders);
  };

  /** Either whenever it is, or just after somebody else has been elected. */
  const later = (isLeaders: boolean): void => {
    if (!isLeaders || prng.chance(0.3)) {
      world.schedule(prng.magnitude(1_000, 1_500_000), turn);
      return;
    }
    const delayUs = prng.magnitude(20, 100_000);
    let isDue = true;
    const due = (delay: number) => (): void => {
      if (!isDue) return;
      isDue = false;
      world.schedule(delay, turn);
    };
    callOff = cluster.whenSomebodyLeads(due(delayUs));
    world.schedule(PATIENCE_US, due(0));
  };

  turn();
  return () => {
    isOver = true;
    callOff();
    links.heal();
  };
}

/** It has to do without what it did not make durable, or without its disk; it is back soon. */
function strike({ cluster, prng, faults, wipe }: Victims, server: SimServer): void {
  const strokes = STROKES.filter((name) => faults.includes(name));
  const stroke = prng.pick(['none', ...strokes]);
  if (stroke === 'wipe') wipe(server);
  if (stroke === 'kill') server.kill();
  if (stroke === 'powerOff') server.powerOff();
  if (server.process === null) cluster.startLater(server, prng.magnitude(100, RESTART_US_MAX));
}
