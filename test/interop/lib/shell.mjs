// Talks with an interactive shell through its standard input and output: says a command, waits
// for what must come.
import { spawn } from 'node:child_process';

const answerLimitMs = 20_000;

export class Shell {
  #child;
  #text = '';
  #mark = 0;
  #wake = () => {};

  constructor([program, ...args]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const take = (chunk) => {
      this.#text += chunk;
      this.#wake();
    };
    this.#child.stdout.on('data', take);
    this.#child.stderr.on('data', take);
    this.#child.stdin.on('error', () => {});
    this.ended = new Promise((done) => {
      this.#child.on('close', (code, signal) => {
        take('');
        done(signal ?? code);
      });
    });
  }

  /** Waits until `pattern` matches what has come since the last match; answers the match. */
  async expect(pattern) {
    const deadline = Date.now() + answerLimitMs;
    while (Date.now() < deadline) {
      const match = pattern.exec(this.#text.slice(this.#mark));
      if (match !== null) {
        this.#mark += match.index + match[0].length;
        return match;
      }
      await new Promise((done) => {
        const timer = setTimeout(done, deadline - Date.now());
        this.#wake = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
    throw new Error(`no ${pattern} in: ${this.#text.slice(this.#mark).slice(-600)}`);
  }

  /** Says a command; each pattern must then come, in this order. */
  async say(command, ...patterns) {
    this.#child.stdin.write(`${command}\n`);
    let match = null;
    for (const pattern of patterns) match = await this.expect(pattern);
    return match;
  }

  async quit() {
    this.#child.stdin.end('quit\n');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.ended;
    clearTimeout(timer);
  }
}
