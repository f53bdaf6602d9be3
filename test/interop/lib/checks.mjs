// The register of checks for suites that are written in JavaScript: prints the lines that
// suite.mjs reads, gives each check a root path of its own and a time limit.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

const checkLimitMs = 90_000;
const checks = [];

export function check(name, body) {
  checks.push({ name, body });
}

export function pauseMs(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

export async function eventually(what, condition, limitMs = 20_000) {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    if (await condition()) return;
    await pauseMs(10);
  }
  throw new Error(`never happened within ${limitMs} ms: ${what}`);
}

/** Sends one command to the runner's proxy, and waits until it is done. */
export async function proxy(word) {
  const [host, port] = process.env.INTEROP_PROXY_CONTROL.split(':');
  const socket = connect(Number(port), host);
  socket.write(`${word}\n`);
  const [answer] = await once(socket, 'data');
  socket.destroy();
  if (String(answer) !== 'done\n') throw new Error(`the proxy answers ${answer}`);
}

function withLimit(promise) {
  let timer;
  const limit = new Promise((_, failed) => {
    const late = new Error(`not finished after ${checkLimitMs / 1000} s`);
    timer = setTimeout(() => failed(late), checkLimitMs);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

async function runOne({ name, body }) {
  const started = Date.now();
  const root = `/interop-js-${randomBytes(6).toString('hex')}`;
  try {
    await withLimit(body(root));
    console.log(`ok ${Date.now() - started} ${name}`);
    return true;
  } catch (error) {
    console.error(error);
    const reason = String(error.message).replaceAll(/\s+/g, ' ');
    console.log(`not ok ${Date.now() - started} ${name} :: ${reason}`);
    return false;
  }
}

export async function runAll() {
  const chosen = checks.filter(({ name }) => name.includes(process.env.INTEROP_MATCH ?? ''));
  for (const { name } of chosen) console.log(`plan ${name}`);
  let good = true;
  for (const one of chosen) good = (await runOne(one)) && good;
  // Standard output is a pipe here: it has to be empty before the process may end.
  process.stdout.write('', () => process.exit(good ? 0 : 1));
}
