import { existsSync } from 'node:fs';
import { isDiskError } from '../io/disk.ts';
import { silentLogger } from '../io/logger.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeClock } from '../io/node/clock.ts';
import { NodeDisk } from '../io/node/disk.ts';
import { type CheckReport, check, type Problem } from '../storage/check.ts';
import { pathsOf } from '../storage/files.ts';
import { openStorage } from '../storage/storage.ts';
import type { RecoveryReport } from '../storage/types.ts';
import { ExitCode } from './exit-code.ts';
import { bytesText, columns, paint, printFailure, type Terminal } from './terminal.ts';

export interface CheckArguments {
  readonly dataLogDir?: string;
  readonly json?: boolean;
  readonly acceptLoss?: boolean;
}

interface Place {
  readonly dataDir: string;
  readonly dataLogDir?: string;
}

/** Looks for damage in a data directory, and cuts it off when told to; the exit code is 0 or 3. */
export async function runCheck(
  dataDir: string,
  options: CheckArguments,
  terminal: Terminal,
): Promise<number> {
  if (!existsSync(pathsOf(dataDir).own)) {
    const message = `${dataDir} holds no data of Quoll. Name the dataDir of a server.`;
    if (options.json === true) terminal.out(asJson({ dataDir, whole: false, error: message }));
    else printFailure(terminal, message);
    return ExitCode.dataDirectory;
  }
  const { dataLogDir } = options;
  const place: Place = dataLogDir === undefined ? { dataDir } : { dataDir, dataLogDir };
  let report = await checkAlone(place);
  let loss: RecoveryReport | null = null;
  if (options.acceptLoss === true && !isWhole(report)) {
    // A log that is kept elsewhere must not be taken for one that is lost.
    if (report.segments === 0 && dataLogDir === undefined) {
      printFailure(terminal, noLogAdvice(dataDir));
      return ExitCode.invocation;
    }
    loss = await cutAtDamage(place);
    report = await checkAlone(place);
  }
  if (options.json === true) terminal.out(asJson(reportAsJson(dataDir, report, loss)));
  else printReport(dataDir, report, loss, terminal);
  return isWhole(report) ? ExitCode.ok : ExitCode.dataDirectory;
}

function noLogAdvice(dataDir: string): string {
  return (
    `nothing cut: there is no log in ${dataDir}. If the server has a dataLogDir, name it by ` +
    `--data-log-dir; if the log is truly lost, say so by --data-log-dir ${dataDir}`
  );
}

/** Checks under the lock of the directory: what a running server appends would look torn. */
async function checkAlone(place: Place): Promise<CheckReport> {
  const disk = new NodeDisk();
  const lock = await disk.lock(pathsOf(place.dataDir).own).catch((error: unknown) => {
    // A copy of the data that nobody can write to needs no lock.
    if (isDiskError(error, 'ELOCKED')) throw error;
    return null;
  });
  try {
    return await check(disk, { ...place, checksums: new NodeChecksums() });
  } finally {
    await lock?.release();
  }
}

/** Opens the storage as a server would that has been told to accept the loss, and closes it. */
async function cutAtDamage(place: Place): Promise<RecoveryReport> {
  const storage = await openStorage(new NodeDisk(), {
    ...place,
    checksums: new NodeChecksums(),
    clock: new NodeClock(),
    logger: silentLogger,
    identityIfBlank: null,
    acceptLoss: true,
  });
  try {
    await storage.loadSnapshot(async (snapshot) => {
      for await (const slice of snapshot.slices) void slice;
    });
    for await (const entries of storage.entries()) void entries;
    return storage.report;
  } finally {
    await storage.close();
  }
}

function isWhole(report: CheckReport): boolean {
  return !report.isDamaged && !report.problems.some((problem) => problem.isFatal);
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function reportAsJson(
  dataDir: string,
  report: CheckReport,
  loss: RecoveryReport | null,
): Record<string, unknown> {
  const { identity } = report;
  return {
    dataDir,
    whole: isWhole(report),
    clusterId: identity === null ? null : hex(identity.clusterId),
    replicaId: identity === null ? null : hex(identity.replicaId),
    files: report.files,
    bytes: report.bytes,
    segments: report.segments,
    entries: report.entries,
    firstSlot: report.firstSlot,
    lastSlot: report.lastSlot,
    entriesMissing: report.isDamaged,
    snapshots: report.snapshots.map(({ slot, zxid, hash, file, bytes }) => ({
      slot,
      zxid: `0x${zxid.toString(16)}`,
      hash: hex(hash),
      file,
      bytes,
    })),
    problems: report.problems,
    lossFiles: loss?.lossFiles ?? [],
  };
}

function printReport(
  dataDir: string,
  report: CheckReport,
  loss: RecoveryReport | null,
  terminal: Terminal,
): void {
  const colours = terminal.outColours;
  const verdict = isWhole(report)
    ? paint(colours, 'green', 'whole')
    : paint(colours, 'red', 'damaged');
  terminal.out(`${dataDir}: ${verdict}\n`);
  terminal.out(columns(summary(report).map(([name, text]) => [`  ${name}`, text])));
  for (const problem of report.problems) terminal.out(problemLine(problem, colours));
  for (const file of loss?.lossFiles ?? []) {
    terminal.out(`  ${paint(colours, 'yellow', 'cut off')}, kept in ${file}\n`);
  }
}

function summary(report: CheckReport): [string, string][] {
  const newest = report.snapshots.at(-1);
  const snapshots =
    newest === undefined
      ? 'none'
      : `${report.snapshots.length}, the newest at slot ${newest.slot} (zxid 0x${newest.zxid.toString(16)})`;
  const log =
    report.entries === 0
      ? `${report.segments} segments, no entries`
      : `${report.segments} segments, slots ${report.firstSlot} to ${report.lastSlot}`;
  return [
    ['snapshots', snapshots],
    ['log', log],
    ['on disk', `${report.files} files, ${bytesText(report.bytes)}`],
  ];
}

function problemLine(problem: Problem, colours: boolean): string {
  const label = problem.isFatal
    ? paint(colours, 'red', 'damage')
    : paint(colours, 'yellow', 'note');
  const at = problem.offset < 0 ? '' : `, byte ${problem.offset}`;
  return `  ${label}: ${problem.file}${at}: ${problem.what}. ${problem.advice}\n`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
