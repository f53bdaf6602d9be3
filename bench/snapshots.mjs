// Sees from outside when a server writes a snapshot: files with "snap" in their path that appear,
// grow or are renamed, looked at every 10 ms. Times are milliseconds of the monotonic clock, which
// zkload uses too, so that its samples can be laid over the windows.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const POLL_MS = 10;
/** A writer that works in slices may rest this long within one snapshot. */
const PAUSE_MS = 500;

export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

function snapshotFiles(directory) {
  const files = new Map();
  for (const name of readdirSync(directory, { recursive: true })) {
    if (!/snap/i.test(name)) continue;
    const stat = statSync(join(directory, name), { throwIfNoEntry: false });
    if (stat?.isFile()) files.set(name, stat.size);
  }
  return files;
}

/** A file that only went away is the purge of an old snapshot, not the writing of one. */
export function hasGrown(before, after) {
  return [...after].some(([name, size]) => before.get(name) !== size);
}

export class SnapshotWatch {
  constructor(directory) {
    this.directory = directory;
    this.files = snapshotFiles(directory);
    this.windows = [];
    this.lastPollMs = monotonicMs();
    this.timer = setInterval(() => this.poll(), POLL_MS);
  }

  poll() {
    const files = snapshotFiles(this.directory);
    const now = monotonicMs();
    if (hasGrown(this.files, files)) this.noteWriting(now);
    this.files = files;
    this.lastPollMs = now;
  }

  noteWriting(now) {
    const open = this.windows.at(-1);
    if (open && now - open.toMs < PAUSE_MS) open.toMs = now;
    else this.windows.push({ fromMs: this.lastPollMs, toMs: now });
  }

  /** How many snapshots have begun and ended. */
  get completed() {
    const open = this.windows.at(-1);
    const isWriting = open && monotonicMs() - open.toMs < PAUSE_MS;
    return this.windows.length - (isWriting ? 1 : 0);
  }

  stop() {
    clearInterval(this.timer);
    return this.windows;
  }
}
