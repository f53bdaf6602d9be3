// Samples of a running server, and the question whether a series grows.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fourLetterWord } from '../../interop/lib/servers.mjs';

function directoryBytes(directory) {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    // A file may go between the listing and the look.
    if (entry.isDirectory()) bytes += directoryBytes(path);
    else bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) * 1024;
}

/** The figures that must not grow, by name; memory and disk in bytes. */
export async function sample({ port, pid, dataDirectory }) {
  const text = await fourLetterWord(port, 'mntr');
  const lines = new Map((text ?? '').split('\n').map((line) => line.split('\t')));
  const figure = (name) => Number(lines.get(`zk_${name}`));
  const [treeBytes, dataBytes] = [figure('quoll_tree_bytes'), figure('approximate_data_size')];
  return {
    residentBytes: residentBytes(pid),
    treeBytes,
    dataBytes,
    overheadBytes: treeBytes - dataBytes,
    znodes: figure('znode_count'),
    sessions: figure('global_sessions'),
    ephemerals: figure('ephemerals_count'),
    watches: figure('watch_count'),
    connections: figure('num_alive_connections'),
    descriptors: figure('open_file_descriptor_count'),
    diskBytes: directoryBytes(dataDirectory),
    snapshots: figure('quoll_snapshot_count'),
    commits: figure('commit_count'),
    loopDelayUs: figure('quoll_loop_delay_p99_us'),
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Median of the slopes of all pairs (Theil and Sen): single peaks move it little. */
function slope(values) {
  const slopes = [];
  for (let i = 0; i < values.length; i += 1) {
    for (let j = i + 1; j < values.length; j += 1) slopes.push((values[j] - values[i]) / (j - i));
  }
  return median(slopes);
}

/**
 * A series grows when the median of its second half exceeds that of the first by more than the
 * tolerance and its slope, over the length of the series, does so too.
 */
export function growth(series, { share, floor }) {
  const half = Math.floor(series.length / 2);
  const [before, after] = [median(series.slice(0, half)), median(series.slice(half))];
  const rise = slope(series) * series.length;
  const allowed = before * share + floor;
  return { before, after, rise, allowed, grows: after - before > allowed && rise > allowed };
}
