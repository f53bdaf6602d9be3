// A server with a directory of its own, started and ended as a test wants it.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, projectRoot, startServer, writeConfig } from '../../interop/lib/servers.mjs';

export function pauseMs(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Waits until `condition` holds; false when it never does. */
export async function eventually(condition, limitMs) {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    if (await condition()) return true;
    await pauseMs(20);
  }
  return false;
}

export class Place {
  server = null;
  #binary;

  static async create(name, binary, settings = {}) {
    const directory = join(projectRoot, '.tmp/disk-test', `${process.pid}-${name}`);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    return new Place(directory, await freePort(), binary, settings);
  }

  constructor(directory, port, binary, settings) {
    this.directory = directory;
    this.dataDirectory = join(directory, 'data');
    this.port = port;
    this.#binary = binary;
    this.configure(settings);
  }

  configure(settings) {
    this.configPath = writeConfig(this.directory, this.port, settings);
  }

  get logPath() {
    return `${this.configPath}.out`;
  }

  /** What the server has said since it was created, on standard output and error. */
  get log() {
    return readFileSync(this.logPath, 'utf8');
  }

  async start({ wrapper = [], wait = true } = {}) {
    const options = { binary: this.#binary, wrapper, wait, startTimeoutMs: 30_000 };
    this.server = await startServer('quoll', this.configPath, this.port, options);
  }

  async kill() {
    this.server.kill('SIGKILL');
    await this.server.exited;
  }

  /** How the server ended by itself: `code 3`, `SIGKILL`; null if it did not within the time. */
  async ended(limitMs) {
    await eventually(() => this.server.exit !== null, limitMs);
    return this.server.exit;
  }

  /** Ends the server, whatever has become of the test; keeps the files if `keep`. */
  async dispose(keep = false) {
    if (this.server !== null) await this.kill();
    if (!keep) rmSync(this.directory, { recursive: true, force: true });
  }
}
