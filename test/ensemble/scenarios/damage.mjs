// Bits flip in the middle of a follower's log while it is down. It starts all the same, without a
// vote, gets back from the others what it has lost, and votes again.
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { contentEnd, filesIn, flipBit } from '../../disk/lib/flip.mjs';
import { fourLetterWord, projectRoot } from '../../interop/lib/servers.mjs';
import { withCrowd } from '../lib/scenario.mjs';
import { eventually } from '../lib/waiting.mjs';

const execute = promisify(execFile);

/** Before it are the headers of the file and of its first record. */
const firstByte = 1000;

/** A byte well before the last write: no crash can have left that, so it is no torn end. */
function flipSomewhere(ensemble, id, random) {
  const files = filesIn(join(ensemble.member(id).dataDirectory, 'quoll/log'), '.qlog');
  const ends = files.map((path) => [path, Math.floor(contentEnd(path) * 0.9)]);
  const [path, end] = random.pick(ends.filter(([, last]) => last > 2 * firstByte));
  const offset = random.between(firstByte, end);
  flipBit(path, offset, random.between(0, 7));
  return `byte ${offset} of ${path}`;
}

/** Slot and digest of the state, of each server that runs. */
async function digests(ensemble) {
  const texts = ensemble.runningIds.map((id) => fourLetterWord(ensemble.port(id), 'mntr'));
  return (await Promise.all(texts)).map(
    (text) => /^zk_quoll_state_digest\t(.+)$/m.exec(text ?? '')?.[1] ?? 'none',
  );
}

async function haveOneDigest(ensemble) {
  const all = await digests(ensemble);
  return all[0] !== 'none' && all.every((digest) => digest === all[0]);
}

async function checkDirectory(ensemble, id) {
  const program = resolve(projectRoot, ensemble.binary);
  const args = [program, 'check', ensemble.member(id).dataDirectory];
  const ended = (error) => ({ code: error.code, text: `${error.stdout}${error.stderr}` });
  return execute(process.execPath, args).then(({ stdout }) => ({ code: 0, text: stdout }), ended);
}

async function damage(scenario, victim) {
  const { ensemble, random, report } = scenario;
  let where = '';
  const before = ensemble.member(victim).log.length;
  await scenario.fault(`bits flip in the log of follower ${victim}`, {
    strike: async () => {
      await ensemble.kill(victim);
      where = flipSomewhere(ensemble, victim, random);
      await ensemble.start(victim);
    },
    untouched: ensemble.ids.filter((id) => id !== victim),
  });
  const said = ensemble.member(victim).log.slice(before);
  report.check(`${victim} says that its log has to be repaired`, [
    said.includes('to be repaired: ') ? null : `nothing of it, for ${where}`,
  ]);
  const isSame = await eventually('one digest', () => haveOneDigest(ensemble)).catch(() => false);
  report.check(`all servers have the same state after the repair of ${victim}`, [
    isSame ? null : `they have ${(await digests(ensemble)).join(', ')}`,
  ]);
}

export async function run(context) {
  await withCrowd(context, 'damage', {}, async (scenario) => {
    const { ensemble, random, rounds, report } = scenario;
    let victim = 0;
    for (let round = 0; round < rounds; round += 1) {
      victim = random.pick(await ensemble.followers());
      await damage(scenario, victim);
    }
    // It votes again: without it the ensemble would stand still here.
    const other = random.pick(ensemble.ids.filter((id) => id !== victim));
    await scenario.fault(`SIGKILL of ${other} afterwards`, {
      strike: () => ensemble.kill(other),
      mend: () => ensemble.start(other),
      untouched: ensemble.ids.filter((id) => id !== other),
    });
    await ensemble.kill(victim);
    const { code, text } = await checkDirectory(ensemble, victim);
    report.check('quoll check finds its directory whole', [code === 0 ? null : text]);
    await ensemble.start(victim);
  });
}
