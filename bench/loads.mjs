// The load cases: all servers run from the first case to the last, warmed up, but only the one that
// is measured is awake; the others are stopped with SIGSTOP. Rounds alternate between the servers
// and the floors, so that a noisy minute of the machine touches all of them.
import { appendFloor, startEcho } from './floors.mjs';
import { formatValue } from './stats.mjs';

const WARM_UP_ARGS = ['-c', 64, '-d', 16, '-r', 50];

async function startAll({ servers, generator, options, progress }) {
  for (const server of servers) {
    server.wipe();
    await server.start('/');
    progress(`${server.name} (${server.version}): warming up for ${options.warmUp} s`);
    const args = [...WARM_UP_ARGS, server.address];
    await generator.measure(args, { seconds: options.warmUp, warmupSeconds: 0, pid: server.pid });
    server.pause();
  }
}

/** One sample of each participant, beginning with another one in every round. */
async function measureRound(bench, testCase, participants, row, round) {
  const { generator, options, progress } = bench;
  const pace = { seconds: options.seconds, warmupSeconds: Math.min(1, options.seconds) };
  for (let i = 0; i < participants.length; i++) {
    const participant = participants[(i + round) % participants.length];
    const args = [...testCase.args, ...participant.args, participant.address];
    participant.resume();
    const sample = await generator
      .measure(args, { ...pace, pid: participant.pid })
      .finally(() => participant.pause());
    row.samples[participant.name]?.push(sample[testCase.metric]);
    row.floors[participant.name]?.push(sample[testCase.metric]);
    row.details[participant.name].push(sample);
    const figure = formatValue(sample[testCase.metric], testCase.unit);
    progress(`${testCase.name} ${round + 1}/${options.rounds} ${participant.name}: ${figure}`);
  }
}

function newRow(testCase, servers) {
  const { name, title, unit, goals } = testCase;
  const names = servers.map((server) => server.name);
  const floorNames = ['echo', 'append'].filter((floor) => testCase[floor]);
  const emptyLists = (keys) => Object.fromEntries(keys.map((key) => [key, []]));
  const lists = { samples: emptyLists(names), floors: emptyLists(floorNames) };
  return {
    case: name,
    title,
    unit,
    goals,
    ...lists,
    details: emptyLists([...names, ...floorNames]),
  };
}

function asParticipant(server) {
  const { name, address, pid } = server;
  return {
    name,
    address,
    pid,
    args: [],
    resume: () => server.resume(),
    pause: () => server.pause(),
  };
}

function echoParticipant(echo) {
  const address = `127.0.0.1:${echo.ports[0]}`;
  const nothing = () => {};
  const { pid } = echo;
  return { name: 'echo', address, pid, args: ['-E'], resume: nothing, pause: nothing };
}

async function measureLoad(bench, testCase) {
  const { servers, options, benchDir, workDir, progress } = bench;
  const row = newRow(testCase, servers);
  const participants = servers.map(asParticipant);
  const echo = testCase.echo ? await startEcho(benchDir, [testCase.echo]) : null;
  if (echo) participants.push(echoParticipant(echo));
  for (let round = 0; round < options.rounds; round++) {
    await measureRound(bench, testCase, participants, row, round);
    if (!testCase.append) continue;
    const floor = appendFloor(workDir, options.seconds);
    const { preallocatedUs, extendingUs } = floor;
    row.floors.append.push(Math.min(preallocatedUs, extendingUs));
    row.details.append.push(floor);
    const figures = [preallocatedUs, extendingUs].map((us) => formatValue(us, 'µs'));
    progress(`append floor: ${figures[0]} preallocated, ${figures[1]} extending`);
  }
  await echo?.stop();
  return row;
}

export async function measureLoads(bench, cases, keep) {
  await startAll(bench);
  for (const testCase of cases)
    await keep(testCase, async () => [await measureLoad(bench, testCase)]);
  for (const server of bench.servers) await server.stop('SIGKILL');
}
