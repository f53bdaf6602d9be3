// The least of a client: enough to ask whether a server answers, and for a four-letter word.
import { connect } from 'node:net';
import { sleep } from './processes.mjs';

/** How long an attempt may take before another one is made beside it, and before it is given up. */
const PATIENCE_MS = 25;
const ATTEMPT_TIMEOUT_MS = 1000;
const OPCODE_GET_DATA = 4;
const OPCODE_CLOSE_SESSION = -11;

export function frame(...parts) {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length), body]);
}

export function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A new session, or the one that `sessionId` and `password` are of. */
export function handshake(
  timeoutMs = 10_000,
  zxidSeen = Buffer.alloc(8),
  sessionId = Buffer.alloc(8),
  password = Buffer.alloc(16),
) {
  const lengths = [int32(timeoutMs), sessionId, int32(password.length), password];
  return frame(int32(0), zxidSeen, ...lengths, Buffer.from([0]));
}

function getData(path) {
  const bytes = Buffer.from(path);
  return frame(int32(1), int32(OPCODE_GET_DATA), int32(bytes.length), bytes, Buffer.from([0]));
}

/** One connection: session, one getData, close. Resolves to the reply's error code. */
function askOnce(port, path) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let received = Buffer.alloc(0);
    let attached = false;
    socket.on('connect', () => socket.write(handshake()));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const reply = received.subarray(4, 4 + received.readInt32BE(0));
        received = received.subarray(4 + reply.length);
        if (attached) {
          socket.end(frame(int32(2), int32(OPCODE_CLOSE_SESSION)));
          resolve(reply.readInt32BE(12));
        } else {
          attached = true;
          socket.write(getData(path));
        }
      }
    });
    socket.setTimeout(ATTEMPT_TIMEOUT_MS, () => socket.destroy());
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed')));
  });
}

/**
 * Returns as soon as a getData of `path` has succeeded; `isAlive` ends the wait early. A starting
 * ZooKeeper may accept a connection and then forget it, so an attempt that stays unanswered does
 * not keep the next one waiting. Attempts get rarer with time (the figure stays exact to a
 * hundredth), because every one that is refused costs the starting server something.
 */
export async function untilAnswered(port, path, isAlive, timeoutMs = 180_000) {
  const started = performance.now();
  const elapsedMs = () => performance.now() - started;
  let answer = null;
  const { promise: answered, resolve } = withResolvers();
  const take = (err) => {
    answer ??= err;
    resolve();
  };
  while (answer === null && isAlive() && elapsedMs() < timeoutMs) {
    const attempt = askOnce(port, path).then(take, () => {});
    await Promise.race([attempt, answered, sleep(PATIENCE_MS)]);
    if (answer === null) await Promise.race([answered, sleep(Math.max(1, elapsedMs() / 100))]);
  }
  if (answer === 0) return;
  if (answer !== null) throw new Error(`getData ${path} was answered with error ${answer}`);
  throw new Error(isAlive() ? `no answer on port ${port}` : 'the server ended while starting');
}

function withResolvers() {
  let resolve;
  const promise = new Promise((r) => {
    resolve = r;
  });
  return { promise, resolve };
}

export function fourLetterWord(port, word) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(word));
    const chunks = [];
    socket.setTimeout(ATTEMPT_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}
