// The load cases, and those about a leader's death: all servers run from the first case to the
// last, warmed up, but only the one that is measured is awake; the others are stopped with SIGSTOP
// (ensembles are not, see there). Rounds alternate between the servers and the floors, so that a
// noisy minute of the machine touches all of them.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { measureFailover } from './failover.mjs';
import { appendFloor, startEcho } from './floors.mjs';
import { formatValue } from './stats.mjs';

const WARM_UP_ARGS = ['-c', 66, '-d', 16, '-r', 50];

async function startAll({ servers, generator, options, progress }) {
  for (const server of servers) {
    server.wipe();
    await server.start('/');
    progress(`${server.name} (${server.version}): warming up for ${options.warmUp} s`);
    const args = [...WARM_UP_ARGS, server.address];
    await generator.measure(args, { seconds: options.warmUp, warmupSeconds: 0, pids: server.pids });
    server.pause();
  }
}

/** One sample of each participant, beginning with another one in every round. */
async function measureRound(bench, testCase, participants, row, round) {
  const { generator, options, progress } = bench;
  const pace = { seconds: options.seconds, warmupSeconds: Math.min(1, options.seconds) };
  for (let i = 0; i < participants.length; i++) {
    const participant = participants[(i + round) % participants.length];
    await participant.resume();
    const { address, pids } = participant.subject;
    const args = [...testCase.args, ...participant.args, address];
    const sample = await generator
      .measure(args, { ...pace, pids })
      .finally(() => participant.pause());
    row.samples[participant.name]?.push(sample[testCase.metric]);
    row.floors[participant.name]?.push(sample[testCase.metric]);
    row.details[participant.name].push(sample);
    const figure = formatValue(sample[testCase.metric], testCase.unit);
    progress(`${testCase.name} ${round + 1}/${options.rounds} ${participant.name}: ${figure}`);
  }
}

function newRow(testCase, servers) {
  const { name, title, unit, goals, comparable } = testCase;
  const names = servers.map((server) => server.name);
  const floorNames = ['echo', 'loggedEcho', 'append'].filter((floor) => testCase[floor]);
  const emptyLists = (keys) => Object.fromEntries(keys.map((key) => [key, []]));
  const lists = { samples: emptyLists(names), floors: emptyLists(floorNames) };
  return {
    case: name,
    title,
    unit,
    goals,
    comparable,
    ...lists,
    details: emptyLists([...names, ...floorNames]),
  };
}

function asParticipant(server) {
  const [resume, pause] = [() => server.resume(), () => server.pause()];
  return { name: server.name, subject: server, args: [], resume, pause };
}

/** As many echo servers as an ensemble has members; with a log if there is a directory for it. */
async function startEchoes(benchDir, frames, count, logDir = null) {
  const logOf = (index) => logDir && join(logDir, `echo-log-${index}`);
  const started = Array.from({ length: count }, (_, i) => startEcho(benchDir, [frames], logOf(i)));
  const echoes = await Promise.all(started);
  const address = echoes.map(({ ports }) => `127.0.0.1:${ports[0]}`).join(',');
  const subject = { address, pids: echoes.map(({ pid }) => pid) };
  const nothing = () => {};
  const name = logDir === null ? 'echo' : 'loggedEcho';
  const participant = { name, subject, args: ['-E'], resume: nothing, pause: nothing };
  const stop = async () => {
    await Promise.all(echoes.map((echo) => echo.stop()));
    echoes.forEach((_, i) => {
      if (logDir !== null) rmSync(logOf(i), { force: true });
    });
  };
  return { participant, stop };
}

async function measureLoad(bench, testCase) {
  const { servers, options, benchDir, workDir, progress } = bench;
  const row = newRow(testCase, servers);
  const participants = servers.map(asParticipant);
  const { echo, loggedEcho } = testCase;
  const echoes = [];
  if (echo) echoes.push(await startEchoes(benchDir, echo, options.servers));
  if (loggedEcho) echoes.push(await startEchoes(benchDir, loggedEcho, options.servers, workDir));
  participants.push(...echoes.map(({ participant }) => participant));
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
  for (const { stop } of echoes) await stop();
  return [row];
}

const MEASURE = { load: measureLoad, failover: measureFailover };

/** Whether a case is measured on servers that run all the time. */
export function sharesServers({ kind }) {
  return kind in MEASURE;
}

export async function measureLoads(bench, cases, keep) {
  await startAll(bench);
  for (const testCase of cases) await keep(testCase, () => MEASURE[testCase.kind](bench, testCase));
  for (const server of bench.servers) await server.stop('SIGKILL');
}
