// The facts that a figure means nothing without.
import { execFileSync } from 'node:child_process';
import os from 'node:os';

/** From here on others take so much of the machine that figures say little, or nothing. */
const BUSY_SHARE_WARN = 0.25;
const BUSY_SHARE_REFUSE = 1;

function firstLine(command, args) {
  try {
    const text = execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    return text.toString().trim().split('\n')[0];
  } catch {
    return null;
  }
}

export function machineFacts(withJava) {
  return {
    at: new Date().toISOString(),
    cores: os.availableParallelism(),
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    java: withJava ? firstLine('java', ['--version']) : null,
    commit: firstLine('git', ['describe', '--always', '--dirty']),
    loadAverage: os.loadavg()[0],
  };
}

/** Null, or what is wrong with measuring now. */
export function busyness({ loadAverage, cores }) {
  const share = loadAverage / cores;
  if (share < BUSY_SHARE_WARN) return null;
  return {
    refuse: share >= BUSY_SHARE_REFUSE,
    message: `the load average is ${loadAverage.toFixed(2)} on ${cores} cores: others are at work`,
  };
}

export function describeMachine(facts) {
  const java = facts.java ? `, ${facts.java}` : '';
  return (
    `${facts.cores} cores (${facts.cpu}), ${facts.memoryGiB} GiB, ${facts.kernel}, ` +
    `Node ${facts.node}${java}; load average before: ${facts.loadAverage.toFixed(2)}`
  );
}
