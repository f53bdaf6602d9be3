// Child processes: every one that a run starts is known here by its pid, and ends with the run.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const CLOCK_TICKS_PER_SECOND = 100;
const children = new Set();

export function launch(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  child.ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
  });
  children.add(child);
  child.ended.then(() => children.delete(child));
  return child;
}

/** Runs a command to its end and returns what it printed. */
export async function run(command, args) {
  const child = launch(command, args);
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  const { code, signal, error } = await child.ended;
  if (error) throw error;
  return { code: code ?? signal, output: Buffer.concat(chunks).toString() };
}

/** SIGKILL also ends a child that is paused, which SIGTERM does not. */
export function killAll() {
  for (const child of children) child.kill('SIGKILL');
}

export async function end(child, signal = 'SIGTERM') {
  child.kill('SIGCONT');
  child.kill(signal);
  return await child.ended;
}

/** User and system time that a process has used, in seconds. */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name of the program, in parentheses, may hold spaces: fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

function statusBytes(pid, field) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  if (!line) throw new Error(`process ${pid} has no ${field}: did it end?`);
  return Number(line[1]) * 1024;
}

export function residentBytes(pid) {
  return statusBytes(pid, 'VmRSS');
}

export function peakResidentBytes(pid) {
  return statusBytes(pid, 'VmHWM');
}

/** Makes the kernel forget the peak so far, so that the next reading covers only what follows. */
export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until resident memory has moved by less than a hundredth for two seconds. */
export async function settledResidentBytes(pid, timeoutMs) {
  const deadline = performance.now() + timeoutMs;
  let recent = [];
  while (performance.now() < deadline) {
    recent = [...recent.slice(-7), residentBytes(pid)];
    if (recent.length === 8 && Math.max(...recent) < Math.min(...recent) * 1.01) break;
    await sleep(250);
  }
  return residentBytes(pid);
}
