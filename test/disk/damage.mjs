// Bits flip while the server is down: damage in the log must be named and refused, damage in the
// newest snapshot costs a warning and a longer start, never data.
import { spawnSync } from 'node:child_process';
import { cpSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Random } from '../durability/lib/random.mjs';
import { Connection } from '../durability/lib/wire.mjs';
import { projectRoot } from '../interop/lib/servers.mjs';
import { contentEnd, filesIn, flipBit } from './lib/flip.mjs';
import { Ledger } from './lib/ledger.mjs';
import { eventually, Place } from './lib/place.mjs';

const flips = 8;
const snapshotLimitKb = 256;

/** Sockets, the claims of processes that are gone, can't be copied. */
function copyFiles(from, to) {
  cpSync(from, to, { recursive: true, filter: (path) => !lstatSync(path).isSocket() });
}

/** Runs the server until it has written something worth damaging, and leaves it stopped. */
async function filledPlace(name, binary, settings, enoughWrites) {
  const place = await Place.create(`damage-${name}`, binary, settings);
  const ledger = new Ledger(place.port, { writers: 3, depth: 4, dataBytes: 2000 });
  await place.start();
  await ledger.prepare();
  await ledger.start();
  await eventually(() => ledger.ackedCount >= enoughWrites, 30_000);
  await ledger.stop();
  await place.kill();
  copyFiles(place.dataDirectory, `${place.dataDirectory}.whole`);
  return { place, ledger };
}

function restore(place) {
  rmSync(place.dataDirectory, { recursive: true });
  copyFiles(`${place.dataDirectory}.whole`, place.dataDirectory);
}

/** Starts on damage; answers how it ended and what it said since. */
async function attempt(place) {
  const before = place.log.length;
  await place.start({ wait: false });
  const isUp = await eventually(async () => {
    if (place.server.exit !== null) return true;
    const connection = await Connection.open(place.port).catch(() => null);
    connection?.drop();
    return connection !== null;
  }, 20_000);
  const { exit } = place.server;
  const said = () => place.log.slice(before);
  // Its lines come a little later than its readiness.
  if (exit === null) await eventually(() => said().includes('"recovered"'), 10_000);
  return { exit: isUp ? exit : 'silence', said: said() };
}

function runCheck(binary, args) {
  const command = [resolve(projectRoot, binary), 'check', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

/** A flip anywhere before the last write is damage for certain; there the server must not start. */
async function logDamage(report, binary, random) {
  const { place, ledger } = await filledPlace('log', binary, {}, 600);
  const failedBefore = report.failed;
  const [segment] = filesIn(join(place.dataDirectory, 'quoll/log'), '.qlog');
  const end = Math.floor(contentEnd(segment) * 0.9);
  const problems = [];
  for (let i = 0; i < flips; i += 1) {
    const [offset, bit] = [random.between(600, end), random.between(0, 7)];
    flipBit(segment, offset, bit);
    const where = `bit ${bit} of byte ${offset}`;
    const { exit, said } = await attempt(place);
    const named = Number(/\.qlog, byte (\d+)/.exec(said)?.[1] ?? -1);
    problems.push(
      exit === 'code 3' ? null : `${where}: it ended with ${exit}`,
      said.includes(segment) ? null : `${where}: the file is not named`,
      named > 0 && named <= offset && offset - named < 200_000
        ? null
        : `${where}: byte ${named} is named`,
      said.includes('quoll check --accept-loss') ? null : `${where}: no way on is named`,
    );
    await place.kill();
    restore(place);
  }
  report.check(`${flips} flipped bits in the log: it refuses to start and says why`, problems);
  await place.start();
  report.check('restored from a copy, all is there', await ledger.problems());
  await place.kill();
  await acceptLoss(report, binary, place, { segment, end });
  await place.dispose(report.failed > failedBefore);
}

async function acceptLoss(report, binary, place, { segment, end }) {
  flipBit(segment, end, 3);
  const seen = runCheck(binary, [place.dataDirectory]);
  const cut = runCheck(binary, ['--accept-loss', place.dataDirectory]);
  const { exit } = await attempt(place);
  report.check('quoll check finds it, --accept-loss cuts it, and the server starts', [
    seen.status === 3 && seen.text.includes(segment) ? null : `check: ${seen.status} ${seen.text}`,
    cut.status === 0 ? null : `check --accept-loss: ${cut.status} ${cut.text}`,
    exit === null ? null : `it ended with ${exit}`,
  ]);
}

async function snapshotDamage(report, binary, random) {
  const settings = { snapSizeLimitInKb: snapshotLimitKb };
  const { place, ledger } = await filledPlace('snapshot', binary, settings, 1200);
  const failedBefore = report.failed;
  const snapshots = filesIn(join(place.dataDirectory, 'quoll/snapshots'), '.qsnap');
  const newest = snapshots.at(-1);
  const problems = [snapshots.length >= 2 ? null : `only ${snapshots.length} snapshots`];
  const size = readFileSync(newest).length;
  for (let i = 0; i < flips; i += 1) {
    const [offset, bit] = [random.between(0, size - 1), random.between(0, 7)];
    flipBit(newest, offset, bit);
    const where = `bit ${bit} of byte ${offset} of ${size}`;
    const { exit, said } = await attempt(place);
    const warning = said.split('\n').find((line) => line.includes(newest) && /"warn"/.test(line));
    problems.push(
      exit === null ? null : `${where}: it ended with ${exit}`,
      warning === undefined ? `${where}: no warning names ${newest}` : null,
    );
    if (exit === null) problems.push(...(await ledger.problems()));
    await place.kill();
    restore(place);
  }
  const what = `${flips} flipped bits in the newest snapshot`;
  report.check(`${what}: the one before is used, with a warning, nothing is lost`, problems);
  await place.dispose(report.failed > failedBefore);
}

export async function run(report, { binary, seed }) {
  const random = new Random(seed);
  await logDamage(report, binary, random);
  await snapshotDamage(report, binary, random);
}
