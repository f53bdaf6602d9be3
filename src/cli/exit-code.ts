import { isDiskError } from '../io/disk.ts';
import { StorageError } from '../storage/errors.ts';

/** The exit codes of ZooKeeper's server process, for scripts that tell them apart. */
export const ExitCode = {
  ok: 0,
  unexpected: 1,
  /** Wrong arguments or configuration. */
  invocation: 2,
  /** The data directory can't be used, or holds damage. */
  dataDirectory: 3,
  /** The state is not the one that the majority has: not to be restarted without a look. */
  diverged: 20,
} as const;

/** Arguments that make no sense together, or not here. */
export class InvocationError extends Error {
  override readonly name = 'InvocationError';
}

export interface Failure {
  readonly code: number;
  /** What happened and what to do about it. */
  readonly message: string;
}

interface SystemError extends Error {
  readonly code?: string | undefined;
  readonly syscall?: string;
  readonly path?: string;
  readonly port?: number;
}

/** Puts an error that ended a command into words for whoever has to deal with it. */
export function explain(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: ExitCode.unexpected, message: String(error) };
  if (error instanceof StorageError || isDiskError(error, 'ELOCKED')) {
    return { code: ExitCode.dataDirectory, message: error.message };
  }
  if (error.name === 'DivergedError') {
    return { code: ExitCode.diverged, message: error.message };
  }
  // Its disk is not the one that its ensemble knows.
  if (error.name === 'ReplacedError') {
    return { code: ExitCode.dataDirectory, message: error.message };
  }
  if (error instanceof InvocationError) {
    return { code: ExitCode.invocation, message: error.message };
  }
  const system: SystemError = error;
  if (system.syscall === 'listen' || system.syscall === 'getaddrinfo') {
    return { code: ExitCode.unexpected, message: listenAdvice(system) };
  }
  if (system.path !== undefined && system.code !== undefined) {
    return { code: ExitCode.dataDirectory, message: pathAdvice(system) };
  }
  return { code: ExitCode.unexpected, message: error.stack ?? error.message };
}

function listenAdvice(error: SystemError): string {
  const what = `cannot listen: ${error.message}.`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${what} Another process has the port: stop it, or choose one by --client-port (0: any).`;
    case 'EACCES':
      return `${what} Ports below 1024 need a privilege: choose one above by --client-port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${what} This machine has no such address: see --client-address.`;
    default:
      return what;
  }
}

function pathAdvice(error: SystemError): string {
  const what = `${error.message}.`;
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return `${what} The user of this process needs read and write permission there.`;
    case 'EROFS':
      return `${what} The file system is mounted read-only.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${what} A file stands where a directory is needed.`;
    case 'ENOSPC':
      return `${what} The disk is full: make room and start again.`;
    case 'EIO':
      return (
        `${what} The disk fails: check the disk (dmesg, smartctl), then start the server again. ` +
        'What it acknowledged is recovered; if it refuses to start, quoll check says what is damaged.'
      );
    default:
      return what;
  }
}
