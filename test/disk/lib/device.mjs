// What the shim makes of a directory: the files as the server sees them, and beside them what a
// power cut would leave.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = resolve(fileURLToPath(import.meta.url), '../../shim.c');

/** The path of the compiled shim, or null when this machine has no C compiler. */
export function compileShim(directory) {
  const target = join(directory, 'shim.so');
  const flags = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror'];
  const libraries = ['-ldl', '-lpthread'];
  const { error, status, stderr } = spawnSync('cc', [...flags, '-o', target, source, ...libraries]);
  if (error?.code === 'ENOENT') return null;
  if (status !== 0) throw new Error(`cc could not compile ${source}:\n${error ?? stderr}`);
  return target;
}

export class Device {
  /** `live` is the directory that the server uses; it must exist. */
  constructor(shim, live, seed) {
    this.shim = shim;
    this.live = live;
    this.durable = `${live}.durable`;
    this.orderPath = `${live}.order`;
    this.seed = seed;
    this.earlyPercent = 0;
  }

  /** Put before the command line of the server. */
  get wrapper() {
    return [
      'env',
      `LD_PRELOAD=${this.shim}`,
      `QUOLL_SHIM_LIVE=${this.live}`,
      `QUOLL_SHIM_DURABLE=${this.durable}`,
      `QUOLL_SHIM_ORDER=${this.orderPath}`,
      `QUOLL_SHIM_EARLY=${this.earlyPercent}`,
      `QUOLL_SHIM_SEED=${this.seed}`,
      // Its submissions would pass the shim by.
      'UV_USE_IO_URING=0',
    ];
  }

  /** See the head of shim.c. */
  order(action, operation, part, count = 1) {
    writeFileSync(`${this.orderPath}.new`, `${action} ${operation} ${part} ${count}\n`);
    renameSync(`${this.orderPath}.new`, this.orderPath);
  }

  get isOrderOpen() {
    return existsSync(this.orderPath);
  }

  /** Everything in the directory has reached the device. Call it before each start. */
  prime() {
    rmSync(this.durable, { recursive: true, force: true });
    rmSync(this.orderPath, { force: true });
    mkdirSync(join(this.durable, 'inodes'), { recursive: true });
    mkdirSync(join(this.durable, 'directories'));
    this.#primeDirectory(this.live);
  }

  #primeDirectory(directory) {
    const target = join(this.durable, 'directories', String(lstatSync(directory).ino));
    mkdirSync(target);
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      const inode = String(lstatSync(path).ino);
      if (entry.isDirectory()) {
        this.#primeDirectory(path);
        symlinkSync(join('..', inode), join(target, entry.name));
      } else if (entry.isFile()) {
        const bytes = join(this.durable, 'inodes', inode);
        copyFileSync(path, bytes);
        linkSync(bytes, join(target, entry.name));
      }
    }
  }

  /** The power goes: the directory holds what had reached the device. The server must be gone. */
  cutPower() {
    const root = join(this.durable, 'directories', String(lstatSync(this.live).ino));
    const rebuilt = `${this.live}.rebuilt`;
    rmSync(rebuilt, { recursive: true, force: true });
    rebuild(root, rebuilt);
    rmSync(this.live, { recursive: true });
    renameSync(rebuilt, this.live);
    this.prime();
  }
}

function rebuild(from, to) {
  mkdirSync(to, { mode: 0o700 });
  // Its own name had reached the device, and none in it.
  if (!existsSync(from)) return;
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isSymbolicLink()) rebuild(source, target);
    else if (!entry.name.startsWith('.')) copyFileSync(source, target);
  }
}
