// Runs one client's suite as a process and reads what it says. A suite prints, one per line:
//   plan NAME                  before anything else, for each check it is going to make
//   ok MS NAME
//   not ok MS NAME :: REASON
// A planned check that is never reported is a failure, so nothing can be skipped silently.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

const outcomePattern = /^(ok|not ok) (\d+) (.*?)(?: :: (.*))?$/;

class Reading {
  planned = new Set();
  outcomes = [];
  #report;

  constructor(report) {
    this.#report = report;
  }

  line(text) {
    if (text.startsWith('plan ')) {
      this.planned.add(text.slice(5));
      return true;
    }
    const match = outcomePattern.exec(text);
    if (match === null) return false;
    const [, word, milliseconds, name, reason = ''] = match;
    this.#add({ name, passed: word === 'ok', milliseconds: Number(milliseconds), reason });
    return true;
  }

  #add(outcome) {
    this.planned.delete(outcome.name);
    this.outcomes.push(outcome);
    this.#report(outcome);
  }

  finish(ending) {
    const missing = [...this.planned];
    for (const name of missing) {
      this.#add({ name, passed: false, milliseconds: 0, reason: `never reported (${ending})` });
    }
    const fine = ending === 'code 0' || this.outcomes.some((outcome) => !outcome.passed);
    if (fine && this.outcomes.length > 0) return;
    this.#add({ name: 'the suite runs', passed: false, milliseconds: 0, reason: ending });
  }
}

/** Runs `command`; calls `report` for each outcome as it comes; answers all outcomes. */
export function runSuite(command, { environment, logPath, timeLimitMs, report }) {
  return new Promise((done) => {
    const reading = new Reading(report);
    const log = createWriteStream(logPath);
    const [program, ...args] = command;
    // Its own process group, so that the time limit also ends the workers it has started.
    const child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = true;
      process.kill(-child.pid, 'SIGKILL');
    }, timeLimitMs);
    createInterface({ input: child.stdout }).on('line', (text) => {
      if (!reading.line(text)) log.write(`${text}\n`);
    });
    child.stderr.pipe(log);
    const end = (ending) => {
      clearTimeout(timer);
      log.end();
      reading.finish(overdue ? `stopped after ${timeLimitMs / 1000} s` : ending);
      done(reading.outcomes);
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(signal ?? `code ${code}`));
  });
}
