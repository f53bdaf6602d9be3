import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import * as os from 'node:os';
import { dirname } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const DESCRIPTORS = '/proc/self/fd';
const UNKNOWN = -1;

/** Descriptors that this process has open; -1 where the platform does not tell. */
export function openFileDescriptors(): number {
  try {
    // Linux tells the number as the directory's size since 6.2; a listing may be long.
    return statSync(DESCRIPTORS).size || readdirSync(DESCRIPTORS).length;
  } catch {
    return UNKNOWN;
  }
}

/** How many it may have open; -1 where the platform does not tell. */
export function maxFileDescriptors(): number {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return limit === null ? UNKNOWN : Number(limit[1]);
  } catch {
    return UNKNOWN;
  }
}

/** Java's names of architectures where they differ from those of Node.js. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'aarch64' };

/**
 * The lines of `envi` behind the version, in ZooKeeper's order. Where a key asks for the Java
 * machine, it gets what stands in its place: Node.js.
 */
export function environmentEntries(): readonly (readonly [string, string])[] {
  return [
    ['host.name', os.hostname()],
    ['java.version', process.versions.node],
    ['java.vendor', 'Node.js'],
    ['java.home', dirname(dirname(process.execPath))],
    ['java.class.path', process.argv[1] ?? ''],
    ['java.library.path', ''],
    ['java.io.tmpdir', os.tmpdir()],
    ['java.compiler', `V8 ${process.versions.v8}`],
    ['os.name', os.type()],
    ['os.arch', ARCHITECTURES[process.arch] ?? process.arch],
    ['os.version', os.release()],
    ['user.name', userName()],
    ['user.home', os.homedir()],
    ['user.dir', process.cwd()],
    ['os.memory.free', megabytes(process.availableMemory())],
    ['os.memory.max', megabytes(memoryMax())],
    ['os.memory.total', megabytes(process.memoryUsage.rss())],
  ];
}

/** Containers often run under a number that has no name. */
function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '?');
  }
}

/** What the control group allows, if that is less than the machine has. */
function memoryMax(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1_048_576)}MB`;
}

/** Bytes of the files in and below a directory; what vanishes meanwhile does not count. */
async function directoryBytes(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = files.map(async (file) => (await stat(`${file.parentPath}/${file.name}`)).size);
  const settled = await Promise.allSettled(sizes);
  return settled.reduce((sum, size) => sum + (size.status === 'fulfilled' ? size.value : 0), 0);
}

/** The size of a directory, sampled beside the loop: whoever asks never waits for the disk. */
export class DirectorySize {
  private readonly directory: string;
  private sampling = false;
  bytes = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** A sample that fails leaves the one before. */
  async sample(): Promise<void> {
    // A disk that hangs must not gather samples.
    if (this.sampling) return;
    this.sampling = true;
    try {
      this.bytes = await directoryBytes(this.directory);
    } catch {
      // The directory may be gone or unreadable; storage reports that, and does so better.
    } finally {
      this.sampling = false;
    }
  }
}

const LOOP_DELAY_RESOLUTION_MS = 10;
const NANOS_PER_MICRO = 1_000;

/** How late the event loop runs a timer that is due every 10 ms. */
export class NodeLoopDelay {
  private readonly histogram = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });

  constructor() {
    this.histogram.enable();
  }

  quantileUs(share: number): number {
    return this.histogram.count === 0 ? 0 : lateUs(this.histogram.percentile(share * 100));
  }

  get maxUs(): number {
    return this.histogram.count === 0 ? 0 : lateUs(this.histogram.max);
  }

  reset(): void {
    this.histogram.reset();
  }

  stop(): void {
    this.histogram.disable();
  }
}

/** The histogram holds whole intervals between two runs of the timer. */
function lateUs(intervalNanos: number): number {
  const lateNanos = intervalNanos - LOOP_DELAY_RESOLUTION_MS * 1_000_000;
  return Math.max(Math.round(lateNanos / NANOS_PER_MICRO), 0);
}
