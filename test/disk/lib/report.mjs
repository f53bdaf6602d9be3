import { writeSync } from 'node:fs';

/** Counts and prints: results on standard output, progress on standard error. */
export class Report {
  passed = 0;
  failed = 0;
  missing = 0;

  constructor(section = '') {
    this.section = section;
  }

  #print(word, name) {
    writeSync(1, `${word} ${this.section}${name}\n`);
  }

  progress(text) {
    writeSync(2, `     ${this.section}${text}\n`);
  }

  /** A figure that belongs to the results. */
  note(text) {
    this.#print('     ', text);
  }

  check(name, problems) {
    const found = problems.filter((problem) => problem !== null);
    if (found.length === 0) {
      this.passed += 1;
      this.#print('ok  ', name);
      return true;
    }
    this.failed += 1;
    this.#print('FAIL', name);
    for (const problem of found.slice(0, 6)) writeSync(1, `       ${problem}\n`);
    if (found.length > 6) writeSync(1, `       and ${found.length - 6} more\n`);
    return false;
  }

  /** A test that this machine can't run counts as failed: silence would pass for success. */
  miss(name, what) {
    this.missing += 1;
    this.failed += 1;
    this.#print('MISSING', `${name}: ${what}`);
  }

  /** Ends the process, as failed, if it takes longer. */
  endWithin(seconds) {
    const limit = setTimeout(() => {
      this.check(`finished within ${seconds} s`, ['it was not']);
      process.exit(this.end());
    }, seconds * 1000);
    limit.unref();
  }

  /** Runs one part of a test; what it throws is a failure like any other. */
  async part(name, run) {
    this.section = `${name}: `;
    try {
      await run();
    } catch (error) {
      this.check('runs to its end', [String(error.stack)]);
    }
  }

  end() {
    const missing = this.missing === 0 ? '' : ` (${this.missing} of them MISSING)`;
    writeSync(1, `${this.passed} passed, ${this.failed} failed${missing}\n`);
    return this.failed === 0 ? 0 : 1;
  }
}
