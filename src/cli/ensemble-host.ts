import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { EnsembleHost, ServerProcess } from './ensemble.ts';
import type { EnsembleFiles } from './ensemble-files.ts';
import type { Terminal } from './terminal.ts';

/** Servers as children of this process, by the very program that runs it. */
export function processEnsembleHost(
  terminal: Terminal,
  program: readonly string[] = [...process.execArgv, process.argv[1] ?? ''],
): EnsembleHost {
  return {
    terminal,
    files,
    startServer: (configFile) => startServer([...program, 'serve', configFile]),
    onSignal: (callback) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, callback);
    },
  };
}

const files: EnsembleFiles = {
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  },
  write: (path, text) => {
    // Closed to others, as the server wants its data directory.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text);
  },
};

/**
 * In a process group of its own, because a terminal's Ctrl-C goes to the whole group, and a server
 * would take ours for a second signal and end at once. Should this process be killed, the channel
 * between the two closes, which ends the server in order.
 */
function startServer(args: readonly string[]): ServerProcess {
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return {
    onOutput: (callback) => eachLine(child.stdout, callback),
    onLog: (callback) => eachLine(child.stderr, callback),
    onExit: (callback) => watchExit(child, callback),
    stop: () => void child.kill('SIGTERM'),
  };
}

function eachLine(stream: Readable | null, callback: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', callback);
}

/** After the last line of its output; a child that never came to be has no output. */
function watchExit(child: ChildProcess, callback: (code: number | null) => void): void {
  child.on('close', (code) => callback(code));
  child.on('error', () => child.pid === undefined && callback(1));
}
