// Who is there, as the servers tell each other, sealed with a key: one is killed, stands still, ends
// in order, has its data wiped by nobody; keys rotate; strangers throw packets at the port. Clients
// write all the while.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fourLetterWord, projectRoot } from '../../interop/lib/servers.mjs';
import { withCrowd } from '../lib/scenario.mjs';
import { eventually, pauseMs } from '../lib/waiting.mjs';

const execute = promisify(execFile);

/** What a probe period, time-out and suspicion take among three, several times over. */
const suspectLimitMs = 10_000;
const deadLimitMs = 40_000;
const backLimitMs = 15_000;

const newKey = () => randomBytes(32).toString('base64');

/** Rows of `quoll members`, as a user asks for them. */
async function membersOf(ensemble, id) {
  const address = `127.0.0.1:${ensemble.port(id)}`;
  const words = [join(projectRoot, ensemble.binary), 'members', '--server', address, '--json'];
  const { stdout } = await execute(process.execPath, words);
  return JSON.parse(stdout);
}

async function rowOf(ensemble, asked, about) {
  return (await membersOf(ensemble, asked)).find(({ server }) => server === about) ?? null;
}

/** Waits until all of `asked` say it of `about`; how long that took. */
async function untilAllSay(ensemble, asked, about, isSo, limitMs) {
  const startedMs = performance.now();
  for (const id of asked) {
    await eventually(
      `server ${id} says it of server ${about}`,
      async () => {
        const row = await rowOf(ensemble, id, about);
        return row !== null && isSo(row);
      },
      limitMs,
      100,
    );
  }
  return Math.round(performance.now() - startedMs);
}

const is = (status) => (row) => row.status === status;

async function figure(ensemble, id, name) {
  const text = await fourLetterWord(ensemble.port(id), 'mntr');
  return Number(new RegExp(`^zk_${name}\\t(\\d+)$`, 'm').exec(text)?.[1]);
}

export async function run(context) {
  const keyFile = join(projectRoot, '.tmp', `gossip-${process.pid}.keys`);
  const oldKey = newKey();
  const settings = { '4lw.commands.whitelist': '*', 'gossip.keyFile': keyFile };
  const prepare = () => writeFileSync(keyFile, `${oldKey}\n`, { mode: 0o600 });
  await withCrowd(context, 'gossip', { settings, prepare }, async (scenario) => {
    const { ensemble, report, random } = scenario;
    const everyoneIsAlive = async () => {
      for (const id of ensemble.ids) {
        await untilAllSay(ensemble, ensemble.ids, id, is('alive'), backLimitMs);
      }
    };
    await everyoneIsAlive();
    for (let round = 1; round <= context.rounds; round += 1) {
      await kill(scenario, random.pick(ensemble.ids), round);
      await stop(scenario, random.pick(ensemble.ids), round);
      await everyoneIsAlive();
    }
    await leave(scenario, random.pick(ensemble.ids));
    await rotate(scenario, keyFile, oldKey);
    await strangers(scenario);
    await everyoneIsAlive();
    report.check('every server is well in its own eyes', [
      ...(await Promise.all(
        ensemble.ids.map(async (id) => {
          const score = await figure(ensemble, id, 'gossip_health_score');
          return score <= 2 ? null : `server ${id} has a health score of ${score}`;
        }),
      )),
    ]);
  });
}

/** Suspect, then dead, on all others within seconds; back under a higher incarnation. */
async function kill(scenario, victim, round) {
  const { ensemble, report } = scenario;
  const others = ensemble.ids.filter((id) => id !== victim);
  const before = await rowOf(ensemble, victim, victim);
  const tookMs = {};
  await scenario.fault(`SIGKILL of ${victim}, round ${round}`, {
    strike: async () => {
      await ensemble.kill(victim);
      tookMs.suspect = await untilAllSay(
        ensemble,
        others,
        victim,
        ({ status }) => status !== 'alive',
        suspectLimitMs,
      );
      tookMs.dead = await untilAllSay(ensemble, others, victim, is('dead'), deadLimitMs);
    },
    mend: async () => {
      await ensemble.start(victim);
      const isBack = ({ status, incarnation }) =>
        status === 'alive' && incarnation > before.incarnation;
      tookMs.back = await untilAllSay(ensemble, ensemble.ids, victim, isBack, backLimitMs);
    },
    untouched: others,
  });
  report.progress(`suspect, dead, back after ms: ${JSON.stringify(tookMs)}`);
}

/** Whoever stood still says that it lives, and accuses nobody. */
async function stop(scenario, victim, round) {
  const { ensemble, report } = scenario;
  const others = ensemble.ids.filter((id) => id !== victim);
  const incarnations = new Map();
  for (const id of others) incarnations.set(id, (await rowOf(ensemble, id, id)).incarnation);
  await scenario.fault(`SIGSTOP of ${victim} until it is suspected, round ${round}`, {
    strike: async () => {
      ensemble.signal(victim, 'SIGSTOP');
      const isSuspected = ({ status }) => status !== 'alive';
      await untilAllSay(ensemble, others, victim, isSuspected, suspectLimitMs);
    },
    mend: async () => {
      ensemble.signal(victim, 'SIGCONT');
      await untilAllSay(ensemble, ensemble.ids, victim, is('alive'), backLimitMs);
    },
    untouched: others,
  });
  const rows = await membersOf(ensemble, victim);
  report.check(`${victim} accuses nobody when it goes on, round ${round}`, [
    ...others.map((id) => {
      const row = rows.find(({ server }) => server === id);
      const isFine = row?.status === 'alive' && row.incarnation === incarnations.get(id);
      return isFine ? null : `it says ${JSON.stringify(row)} of ${id}`;
    }),
  ]);
}

/** SIGTERM: the others know at once that it left, and that it is no death. */
async function leave(scenario, victim) {
  const { ensemble } = scenario;
  const others = ensemble.ids.filter((id) => id !== victim);
  await scenario.fault(`SIGTERM of ${victim}`, {
    strike: async () => {
      await ensemble.kill(victim, 'SIGTERM');
      await untilAllSay(ensemble, others, victim, is('left'), 2_000);
    },
    mend: async () => {
      await ensemble.start(victim);
      await untilAllSay(ensemble, ensemble.ids, victim, is('alive'), backLimitMs);
    },
    untouched: others,
  });
}

/** A new key in three steps, by SIGHUP; a file that is bad in between changes nothing. */
async function rotate(scenario, keyFile, oldKey) {
  const { ensemble, report } = scenario;
  const key = newKey();
  const steps = [`${oldKey}\n${key}\n`, `${key}\n${oldKey}\n`, 'nonsense\n', `${key}\n`];
  for (const text of steps) {
    writeFileSync(keyFile, text);
    for (const id of ensemble.ids) ensemble.signal(id, 'SIGHUP');
    await pauseMs(1_500);
  }
  const problems = [];
  for (const id of ensemble.ids) {
    const alive = await figure(ensemble, id, 'gossip_members_alive');
    if (alive !== ensemble.ids.length) problems.push(`server ${id} knows ${alive} that live`);
    for (const reason of ['wrong_key', 'no_key', 'malformed']) {
      const count = await figure(ensemble, id, `gossip_dropped_packets_${reason}`);
      if (count !== 0) problems.push(`server ${id} has dropped ${count}: ${reason}`);
    }
    const log = ensemble.member(id).log;
    if (!log.includes('the key file is bad')) problems.push(`server ${id} did not complain`);
    if (log.includes(key)) problems.push(`server ${id} has logged a key`);
  }
  report.check('keys rotate and nobody drops a packet', problems);
}

/** Packets of strangers, in thousands: dropped and counted, and nobody's memory grows with them. */
async function strangers(scenario) {
  const { ensemble, report } = scenario;
  const [victim] = ensemble.ids;
  const { electionPort } = ensemble.member(victim);
  const socket = createSocket('udp4');
  const count = 20_000;
  for (let i = 0; i < count; i += 1) {
    const bytes = randomBytes(1 + (i % 1_500));
    bytes[0] = [0x10, 0x11, 0x12][i % 3];
    await new Promise((done) => socket.send(bytes, electionPort, '127.0.0.1', done));
  }
  socket.close();
  const dropped = async () => {
    let sum = 0;
    for (const reason of ['no_key', 'wrong_key', 'malformed', 'oversized']) {
      sum += await figure(ensemble, victim, `gossip_dropped_packets_${reason}`);
    }
    return sum;
  };
  // The kernel drops what comes faster than it is read.
  await eventually('most of them are counted', async () => (await dropped()) > count / 4, 20_000);
  const known = (await membersOf(ensemble, victim)).length;
  report.check('packets of strangers are dropped, counted, and make nobody known', [
    known === ensemble.ids.length ? null : `server ${victim} knows ${known} members`,
  ]);
}
