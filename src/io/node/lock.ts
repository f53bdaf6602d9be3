import * as fs from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { type DirectoryLock, DiskError } from '../disk.ts';

/**
 * Keeps two processes from serving one directory. Node.js has no flock, so each process claims the
 * directory by an entry of its own, `lock-<pid>-<start>-<boot>`, and then looks at the others'.
 *
 * Because a claim is made before the others are read, of two processes that start at once at least
 * one sees the other: both may give up, never do both go on. A single lock file that is replaced
 * when stale has no such order: two processes find it stale, A removes it and makes its own, B
 * removes A's and makes its own, and both serve.
 *
 * The claim is a listening Unix socket: the kernel closes it with the process, so SIGKILL, reboot,
 * reused pids and containers with pids of their own are all told apart by one connect(). Where a
 * socket can't be made it is a plain file, and pid, start time and boot id are compared.
 */
const CLAIM = /^lock-(\d+)-(\d+)-([0-9a-f]*)$/;

export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const own = `lock-${process.pid}-${await startTime(process.pid)}-${await bootId()}`;
  const claim = await makeClaim(directory, own);
  const holder = await otherHolder(directory, own);
  if (holder === null) return claim;
  await claim.release();
  throw locked(directory, holder);
}

function locked(directory: string, pid: string): DiskError {
  return new DiskError(
    'ELOCKED',
    directory,
    `${directory} is being served by process ${pid}. Stop it, or give this server a data ` +
      'directory of its own.',
  );
}

/** The pid of a live process with a claim; claims of dead ones are removed. */
async function otherHolder(directory: string, own: string): Promise<string | null> {
  const names = await fs.readdir(directory);
  // Whoever took our claim for a dead one found us between bind and listen, and goes on.
  if (!names.includes(own)) return 'unknown';
  for (const name of names) {
    const match = CLAIM.exec(name);
    if (match === null || name === own) continue;
    const [, pid = '', start = '', boot = ''] = match;
    if (await isAlive(directory, name, pid, start, boot)) return pid;
    await fs.rm(`${directory}/${name}`, { force: true });
  }
  return null;
}

async function makeClaim(directory: string, name: string): Promise<DirectoryLock> {
  try {
    return await makeSocketClaim(directory, name);
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) throw locked(directory, `${process.pid} (this one)`);
  }
  try {
    await fs.writeFile(`${directory}/${name}`, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw locked(directory, `${process.pid} (this one)`);
    throw new DiskError('OTHER', directory, `could not lock ${directory}: ${String(error)}`, error);
  }
  return { release: () => fs.rm(`${directory}/${name}`, { force: true }) };
}

async function makeSocketClaim(directory: string, name: string): Promise<DirectoryLock> {
  if (process.platform === 'win32') throw new Error('no sockets in directories');
  const opened = await openForSockets(directory);
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, `${opened.path}/${name}`);
  } catch (error) {
    await opened.close();
    throw error;
  }
  // A claim alone must not keep the process alive.
  server.unref();
  return {
    release: async () => {
      await new Promise((resolve) => server.close(resolve));
      await opened.close();
      await fs.rm(`${directory}/${name}`, { force: true });
    },
  };
}

/** A socket's address holds about 100 bytes; on Linux a directory's descriptor names it shorter. */
async function openForSockets(
  directory: string,
): Promise<{ path: string; close: () => Promise<void> }> {
  if (process.platform !== 'linux') return { path: directory, close: async () => {} };
  const handle = await fs.open(directory, 'r');
  return { path: `/proc/self/fd/${handle.fd}`, close: () => handle.close() };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function isAlive(
  directory: string,
  name: string,
  pid: string,
  start: string,
  boot: string,
): Promise<boolean> {
  const stats = await fs.lstat(`${directory}/${name}`).catch(() => null);
  if (stats === null) return false;
  if (stats.isSocket()) return answers(directory, name);
  if (boot !== (await bootId())) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
  }
  return start === (await startTime(Number(pid)));
}

async function answers(directory: string, name: string): Promise<boolean> {
  const opened = await openForSockets(directory);
  try {
    return await new Promise<boolean>((resolve) => {
      const socket = connect(`${opened.path}/${name}`);
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      // Anything but these two, such as a full backlog, comes from somebody who lives.
      socket.on('error', (error) =>
        resolve(!hasCode(error, 'ECONNREFUSED') && !hasCode(error, 'ENOENT')),
      );
    });
  } finally {
    await opened.close();
  }
}

/** In clock ticks since boot; 0 where the system does not tell. */
async function startTime(pid: number): Promise<string> {
  const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the command in parentheses and may hold spaces; the start is the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[19] ?? '0';
}

async function bootId(): Promise<string> {
  const id = await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return id.replace(/[^0-9a-f]/g, '').slice(0, 12);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
