// What no server could beat here: a bare echo on Node's `net`, one synchronous append after the
// other, and the start of Node itself.
import { closeSync, constants, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { end, launch, run } from './processes.mjs';
import { quantile } from './stats.mjs';

/** A setData of 100 bytes as a log record: the request, and a header of about its size. */
const RECORD_BYTES = 256;
const PREALLOCATED_BYTES = 16 << 20;

/**
 * Starts an echo server for pairs of frame sizes; `ports` in the order of the pairs. With a file it
 * answers only once what it received is synced there.
 */
export async function startEcho(benchDir, pairs, logFile = null) {
  const sizes = pairs.map(({ requestBytes, replyBytes }) => `${requestBytes}:${replyBytes}`);
  const args = logFile === null ? sizes : ['--log', logFile, ...sizes];
  const child = launch(process.execPath, [join(benchDir, 'echo-server.mjs'), ...args]);
  const line = await new Promise((resolve) => child.stdout.once('data', resolve));
  return { pid: child.pid, ports: JSON.parse(line.toString()), stop: () => end(child) };
}

/** Real zeros: blocks that are only reserved would still be marked as written, one by one. */
function preallocate(file) {
  const fd = openSync(file, 'w');
  const zeros = Buffer.alloc(1 << 20);
  for (let at = 0; at < PREALLOCATED_BYTES; at += zeros.length)
    writeSync(fd, zeros, 0, zeros.length);
  fsyncSync(fd);
  closeSync(fd);
}

function timeAppends(file, flags, bytesMax, seconds) {
  const fd = openSync(file, flags | constants.O_WRONLY | constants.O_DSYNC, 0o600);
  const record = Buffer.alloc(RECORD_BYTES, 'x');
  const timesUs = [];
  const deadline = performance.now() + seconds * 1000;
  for (let at = 0; performance.now() < deadline; at += RECORD_BYTES) {
    const started = process.hrtime.bigint();
    writeSync(fd, record, 0, RECORD_BYTES, at % bytesMax);
    timesUs.push(Number(process.hrtime.bigint() - started) / 1000);
  }
  closeSync(fd);
  return quantile(timesUs, 0.5);
}

/** p50 in microseconds of one O_DSYNC write, into a file that is full of zeros and one that grows. */
export function appendFloor(directory, seconds) {
  const file = join(directory, 'append-floor');
  preallocate(file);
  const preallocatedUs = timeAppends(file, 0, PREALLOCATED_BYTES, seconds / 2);
  rmSync(file);
  const extendingUs = timeAppends(file, constants.O_CREAT, Infinity, seconds / 2);
  rmSync(file);
  return { preallocatedUs, extendingUs };
}

/** From spawn to exit of a Node process that does nothing. */
export async function nodeStartMs() {
  const started = performance.now();
  await run(process.execPath, ['-e', '0']);
  return performance.now() - started;
}
