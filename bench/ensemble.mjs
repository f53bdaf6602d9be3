// Several servers that are one to their clients: same configuration on both sides, all on this
// machine, as a whole in the place of one server of `servers.mjs`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fourLetterWord } from './client.mjs';
import { end, sleep } from './processes.mjs';
import { freePort, OwnServer } from './servers.mjs';

const SETTLE_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

export class Ensemble {
  constructor(name, root, directory, size) {
    this.name = name;
    this.directory = directory;
    this.members = Array.from({ length: size }, (_, i) => {
      const member = new OwnServer(name, root, join(directory, String(i + 1)));
      member.id = i + 1;
      return member;
    });
  }

  get pids() {
    return this.members.flatMap((member) => member.pids);
  }

  /** Of all members, followers first: where the roles lie differs from run to run, this does not. */
  get address() {
    return this.ordered.map((member) => member.address).join(',');
  }

  wipe() {
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory, { recursive: true });
    for (const member of this.members) member.wipe();
  }

  async start(path) {
    const started = performance.now();
    await this.configure();
    for (const member of this.members) member.spawn();
    await this.settled(path);
    this.version = await this.members[0].readVersion();
    return performance.now() - started;
  }

  async configure() {
    const lines = [];
    for (const member of this.members) {
      const ports = [await freePort(), await freePort()];
      member.port = await freePort();
      lines.push(`server.${member.id}=127.0.0.1:${ports.join(':')}`);
    }
    for (const member of this.members) {
      member.configure(lines);
      writeFileSync(join(member.dataDir, 'myid'), `${member.id}\n`);
    }
  }

  /** Returns once one leads, all others follow it, and each has answered a getData of `path`. */
  async settled(path = '/') {
    const deadline = performance.now() + SETTLE_TIMEOUT_MS;
    for (;;) {
      const modes = await Promise.all(this.members.map((member) => modeOf(member)));
      const followers = modes.filter((mode) => mode === 'follower');
      const leader = modes.indexOf('leader');
      if (leader >= 0 && followers.length === modes.length - 1) {
        this.leader = this.members[leader];
        break;
      }
      if (performance.now() > deadline) {
        throw new Error(`${this.name}: no ensemble within a minute, but ${modes.join(', ')}`);
      }
      await sleep(POLL_MS);
    }
    this.ordered = this.members.filter((member) => member !== this.leader).concat(this.leader);
    for (const member of this.members) await member.answered(path);
  }

  /** Ensembles stay awake: one that was stopped would have to elect a leader before it serves. */
  pause() {}

  async resume() {
    await this.settled();
  }

  /** Ends a member, whatever became of it, and starts it again on what it had written. */
  async restart(member) {
    if (member.child) await end(member.child, 'SIGKILL');
    member.spawn();
    await this.settled();
  }

  async stop(signal) {
    await Promise.all(this.members.map((member) => member.stop(signal)));
  }
}

/** `leader`, `follower`, or null from a server that does not say. */
async function modeOf(member) {
  const text = await fourLetterWord(member.port, 'srvr').catch(() => '');
  return /^Mode: (\w+)$/m.exec(text)?.[1] ?? null;
}
