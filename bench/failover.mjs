// How long a client of a follower can't write when the leader dies or hangs: the longest time
// between two acknowledged writes from the fault on.
import { Session } from './session.mjs';

const BEFORE_FAULT_MS = 1000;
const AFTER_FAULT_MS = 3000;
const ACKS_AFTER_FAULT = 200;
const GIVE_UP_MS = 60_000;

/** The longest time between two acknowledgements of which the second came after the fault. */
export function longestGapMs(ackedAtMs, faultAtMs) {
  let gapMs = 0;
  for (let i = 1; i < ackedAtMs.length; i++) {
    if (ackedAtMs[i] > faultAtMs) gapMs = Math.max(gapMs, ackedAtMs[i] - ackedAtMs[i - 1]);
  }
  return gapMs;
}

/** One write after the other, each at the moment the one before is acknowledged. */
export async function measureGap(addresses, fault) {
  const session = new Session(addresses);
  await session.create('/failover');
  const ackedAtMs = [];
  const started = performance.now();
  let faultAtMs = Infinity;
  let acksBefore = 0;
  let reconnectsBefore = 0;
  for (let acks = 0; ; acks++) {
    const nowMs = performance.now();
    if (faultAtMs === Infinity && nowMs - started > BEFORE_FAULT_MS) {
      [faultAtMs, acksBefore, reconnectsBefore] = [nowMs, acks, session.reconnects];
      fault();
    }
    const acksAfter = acks - acksBefore;
    if (acksAfter > ACKS_AFTER_FAULT && nowMs - faultAtMs > AFTER_FAULT_MS) break;
    await session.set('/failover', GIVE_UP_MS);
    ackedAtMs.push(performance.now());
  }
  session.close();
  return {
    gapMs: longestGapMs(ackedAtMs, faultAtMs),
    reconnects: session.reconnects - reconnectsBefore,
    acksBefore,
    acksAfter: ackedAtMs.length - acksBefore,
  };
}

function newRow(testCase, servers, fields) {
  const samples = Object.fromEntries(servers.map(({ name }) => [name, []]));
  return { case: testCase.name, samples, floors: {}, details: {}, ...fields };
}

/** Every server in turn, and every round begins with another one. */
export async function measureFailover(bench, testCase) {
  const { servers, options, progress } = bench;
  const { title, goals, comparable } = testCase;
  const gap = newRow(testCase, servers, { title, unit: 'ms', goals, comparable });
  const again = newRow(testCase, servers, {
    ...{ title: `${title}: reconnects`, unit: '', goals: [{ atMost: 0 }], comparable },
  });
  for (const { name } of servers) gap.details[name] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (let i = 0; i < servers.length; i++) {
      const server = servers[(i + round) % servers.length];
      await server.resume();
      const { leader } = server;
      const sample = await measureGap(server.address.split(','), () =>
        leader.child.kill(testCase.signal),
      );
      await server.restart(leader);
      gap.samples[server.name].push(sample.gapMs);
      again.samples[server.name].push(sample.reconnects);
      gap.details[server.name].push(sample);
      const { gapMs, reconnects } = sample;
      const figures = `${gapMs.toFixed(0)} ms, ${reconnects} reconnects`;
      progress(`${testCase.name} ${round + 1}/${options.rounds} ${server.name}: ${figures}`);
    }
  }
  return [gap, again];
}
