// Stock clients as processes: how each is built and started, and what it says at its end.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { classPath, projectRoot } from '../../interop/lib/servers.mjs';

const here = join(projectRoot, 'test/ensemble/clients');
const jars = [
  'zookeeper',
  'zookeeper-jute',
  'netty-all',
  'metrics-core',
  'slf4j-api',
  'slf4j-simple',
];

const kinds = {
  kazoo: () => ['/usr/bin/python3', '-u', join(here, 'rider.py')],
  c: (directory) => {
    const program = join(directory, 'rider');
    const flags = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-DTHREADED'];
    const libraries = ['-lzookeeper_mt', '-lpthread'];
    execFileSync('gcc', [...flags, '-o', program, join(here, 'rider.c'), ...libraries]);
    return [program];
  },
  java: (directory) => java(directory, 'Rider'),
};

/** Compiles a class of this folder; answers the command that runs it. */
export function java(directory, name) {
  const classes = join(directory, 'classes');
  mkdirSync(classes, { recursive: true });
  const path = classPath(jars);
  execFileSync('javac', ['-nowarn', '-d', classes, '-cp', path, join(here, `${name}.java`)]);
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off';
  return ['java', '-Xmx256m', '-XX:+UseSerialGC', quiet, '-cp', `${classes}:${path}`, name];
}

export class Rider {
  #child;
  #lines = [];
  #waiting = [];

  constructor(kind, directory, connectString) {
    this.kind = kind;
    const [program, ...args] = kinds[kind](directory);
    this.#child = spawn(program, [...args, connectString], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.errors = '';
    this.#child.stderr.on('data', (chunk) => {
      this.errors = (this.errors + chunk).slice(-2000);
    });
    this.exited = new Promise((done) => this.#child.on('close', done));
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#lines.push(line);
      else waiting(line);
    });
  }

  /** The next line that it says; fails if it ends without one. */
  line() {
    if (this.#lines.length > 0) return Promise.resolve(this.#lines.shift());
    return new Promise((done, failed) => {
      this.#waiting.push(done);
      this.exited.then((code) => failed(new Error(`${this.kind} ends: ${code} ${this.errors}`)));
    });
  }

  /** Stops writing; answers its books, such as `{ acked: 10, lost: 0 }`. */
  async end() {
    this.#child.stdin.end();
    const words = (await this.line()).split(' ');
    const pairs = words.flatMap((word, i) => (i % 2 === 0 ? [[word, Number(words[i + 1])]] : []));
    await this.exited;
    return Object.fromEntries(pairs);
  }

  kill() {
    this.#child.kill('SIGKILL');
  }
}
