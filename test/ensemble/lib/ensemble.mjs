// Several servers as processes of this machine that form one ensemble.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  fourLetterWord,
  freePort,
  projectRoot,
  startServer,
  writeConfig,
} from '../../interop/lib/servers.mjs';
import { Links } from './links.mjs';
import { eventually } from './waiting.mjs';

const resolver = pathToFileURL(join(projectRoot, 'test/ensemble/lib/resolve.mjs')).href;

/** What server `id` finds behind the name of server `other`. */
function addressOf(id, other) {
  return `127.1.${id}.${other}`;
}

class Member {
  process = null;
  isStopped = false;

  constructor(id, role, directory, ports) {
    this.id = id;
    this.role = role;
    this.directory = directory;
    this.dataDirectory = join(directory, 'data');
    [this.port, this.quorumPort, this.electionPort] = ports;
  }

  line(host) {
    const { quorumPort, electionPort, role, port } = this;
    return `${host}:${quorumPort}:${electionPort}:${role};127.0.0.1:${port}`;
  }

  get isRunning() {
    return this.process !== null && this.process.exit === null;
  }

  /** Everything that it has said since it was made, through all its starts. */
  get log() {
    return readFileSync(`${this.configPath}.out`, 'utf8');
  }
}

export class Ensemble {
  members = new Map();
  links = null;
  #options;

  /**
   * `size` servers, of which those in `observers` do not vote, and `joined` more that no file names
   * and that join by themselves. `proxied`: all ways between members lead through `links`.
   * `settings` is added to each zoo.cfg.
   */
  static async create(name, options) {
    const ensemble = new Ensemble(name, options);
    const { size, joined = 0 } = options;
    for (let id = 1; id <= size; id += 1) await ensemble.addMember(id);
    for (let id = size + 1; id <= size + joined; id += 1) await ensemble.addMember(id, 'joined');
    if (options.proxied) await ensemble.#openLinks();
    for (const member of ensemble.members.values()) ensemble.configure(member);
    return ensemble;
  }

  constructor(name, options) {
    this.#options = { binary: 'dist/quoll.js', settings: {}, observers: [], ...options };
    this.directory = join(projectRoot, '.tmp/ensemble', `${process.pid}-${name}`);
    rmSync(this.directory, { recursive: true, force: true });
  }

  get ids() {
    return [...this.members.keys()];
  }

  /** Those that the configuration names. */
  get configuredIds() {
    return this.ids.filter((id) => this.members.get(id).role !== 'joined');
  }

  get runningIds() {
    return this.ids.filter((id) => this.members.get(id).isRunning);
  }

  get connectString() {
    return [...this.members.values()].map(({ port }) => `127.0.0.1:${port}`).join(',');
  }

  get binary() {
    return this.#options.binary;
  }

  member(id) {
    return this.members.get(id);
  }

  port(id) {
    return this.members.get(id).port;
  }

  async addMember(id, special = null) {
    const configured = this.#options.observers.includes(id) ? 'observer' : 'participant';
    const role = special ?? configured;
    const directory = join(this.directory, `server-${id}`);
    const ports = [await freePort(), await freePort(), await freePort()];
    const member = new Member(id, role, directory, ports);
    this.members.set(id, member);
    return member;
  }

  #hostOf(id) {
    return this.#options.proxied ? `server-${id}.quoll.test` : '127.0.0.1';
  }

  lineOf(id) {
    return this.members.get(id).line(this.#hostOf(id));
  }

  async #openLinks() {
    this.links = new Links();
    for (const from of this.configuredIds) {
      for (const to of this.configuredIds) {
        if (from === to) continue;
        const { quorumPort } = this.members.get(to);
        const front = { host: addressOf(from, to), port: quorumPort };
        await this.links.open(from, to, front, { host: addressOf(to, to), port: quorumPort });
      }
    }
  }

  /** Writes zoo.cfg and myid of one server; `ids` are those that its file knows. */
  configure(member, ids = this.configuredIds) {
    if (member.role === 'joined') {
      const through = ids.map((id) => `127.0.0.1:${this.members.get(id).quorumPort}`).join(',');
      const gossip = { 'gossip.port': member.electionPort, 'gossip.address': '127.0.0.1' };
      const settings = { ...this.#options.settings, 'gossip.join': through, ...gossip };
      member.configPath = writeConfig(member.directory, member.port, settings);
      return;
    }
    const lines = Object.fromEntries(ids.map((id) => [`server.${id}`, this.lineOf(id)]));
    const settings = { initLimit: 10, syncLimit: 5, ...this.#options.settings, ...lines };
    member.configPath = writeConfig(member.directory, member.port, settings);
    writeFileSync(join(member.dataDirectory, 'myid'), `${member.id}\n`);
  }

  async start(id, { wait = true } = {}) {
    const member = this.members.get(id);
    const { binary } = this.#options;
    const options = { binary, wait, wrapper: this.#wrapper(id), startTimeoutMs: 60_000 };
    member.isStopped = false;
    member.process = await startServer('quoll', member.configPath, member.port, options);
  }

  #wrapper(id) {
    if (!this.#options.proxied) return [];
    const hosts = Object.fromEntries(
      this.ids.map((other) => [this.#hostOf(other), addressOf(id, other)]),
    );
    const variables = [`QUOLL_TEST_HOSTS=${JSON.stringify(hosts)}`];
    return ['env', ...variables, `NODE_OPTIONS=--import=${resolver}`];
  }

  async startAll(ids = this.ids) {
    await Promise.all(ids.map((id) => this.start(id)));
  }

  signal(id, signal) {
    const member = this.members.get(id);
    member.process.kill(signal);
    if (signal === 'SIGSTOP') member.isStopped = true;
    if (signal === 'SIGCONT') member.isStopped = false;
  }

  async kill(id, signal = 'SIGKILL') {
    this.signal(id, signal);
    return this.members.get(id).process.exited;
  }

  /** How a server ended by itself, or null if it does not within the time. */
  async ended(id, limitMs) {
    const { process } = this.members.get(id);
    await eventually('the server ends', () => process.exit !== null, limitMs);
    return process.exit;
  }

  wipe(id) {
    const { dataDirectory } = this.members.get(id);
    rmSync(dataDirectory, { recursive: true, force: true });
    mkdirSync(dataDirectory, { recursive: true });
    if (this.members.get(id).role === 'joined') return;
    writeFileSync(join(dataDirectory, 'myid'), `${id}\n`);
  }

  /** The voter that an observer hangs on which has joined, as it said last. */
  voterOf(id) {
    const told = [...this.members.get(id).log.matchAll(/"server":(\d+).*observes through/g)];
    return Number(told.at(-1)?.[1]);
  }

  /** leader, follower, observer; null for one that does not serve. */
  async roleOf(id) {
    const text = await fourLetterWord(this.port(id), 'srvr');
    return /^Mode: (.*)$/m.exec(text ?? '')?.[1] ?? null;
  }

  /** The server that the others follow, as the newest of those that say so. */
  async leader(limitMs = 20_000) {
    return eventually('somebody leads', () => this.#findLeader(), limitMs);
  }

  async #findLeader() {
    const asked = this.runningIds.filter((id) => !this.members.get(id).isStopped);
    const roles = await Promise.all(asked.map(async (id) => [id, await this.roleOf(id)]));
    const leaders = roles.filter(([, role]) => role === 'leader');
    return leaders.length === 1 ? leaders[0][0] : null;
  }

  async followers() {
    const leader = await this.leader();
    return this.runningIds.filter(
      (id) => id !== leader && this.members.get(id).role === 'participant',
    );
  }

  /** Ends every process that is left. */
  async stopAll() {
    for (const id of this.runningIds) {
      this.signal(id, 'SIGCONT');
      await this.kill(id);
    }
    this.links?.close();
  }

  removeFiles() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
