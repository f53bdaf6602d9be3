import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** One disk that is mounted, filled and emptied again. */
export class SmallDisk {
  constructor(path, megabytes = 96) {
    this.path = path;
    this.megabytes = megabytes;
    this.ballast = join(path, 'ballast');
  }

  /** Null, or why it can't be had. */
  mount() {
    mkdirSync(this.path, { recursive: true });
    const size = `size=${this.megabytes}m,mode=700`;
    const { error, status, stderr } = spawnSync('mount', [
      ...['-t', 'tmpfs', '-o', size, 'tmpfs', this.path],
    ]);
    if (error) return error.message;
    return status === 0 ? null : String(stderr).trim();
  }

  unmount() {
    spawnSync('umount', ['-l', this.path]);
  }

  /** Takes so many megabytes, or all that is left. */
  fill(megabytes = Number.POSITIVE_INFINITY) {
    const file = openSync(this.ballast, 'a');
    const block = Buffer.alloc(65_536);
    try {
      for (let left = megabytes * 16; left > 0; left -= 1) writeSync(file, block);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  makeSpace() {
    rmSync(this.ballast, { force: true });
  }

  get freeMegabytes() {
    const { bavail, bsize } = statfsSync(this.path);
    return Math.round((bavail * bsize) / 1_048_576);
  }
}
