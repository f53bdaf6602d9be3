import { setFlagsFromString } from 'node:v8';
import { createLogger } from './logging.ts';
import type { ServeHost } from './serve.ts';
import type { Terminal } from './terminal.ts';

/** Serving in this process, with its signals. */
export function processHost(terminal: Terminal): ServeHost {
  return {
    terminal,
    createLogger: (config) =>
      createLogger({
        level: config.logLevel,
        format: config.logFormat,
        isTerminal: process.stderr.isTTY === true,
        colours: terminal.errColours,
        fd: 2,
        openDelayMs: 100,
      }),
    startServer: async (config, logger) => {
      // Little of what a server allocates outlives a turn of the loop. A young generation that may
      // not grow saved 25 MB of resident memory under load with a million znodes.
      setFlagsFromString('--semi-space-growth-factor=1');
      const { startServer } = await import('../entry/server.ts');
      return startServer(config, { logger });
    },
    onSignal: (callback) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, callback);
      // Whoever has started this server with a channel to it, as quoll ensemble does, is gone.
      process.on('disconnect', () => callback('disconnect'));
      process.channel?.unref();
    },
    onReload: (callback) => void process.on('SIGHUP', callback),
    onUncaught: (callback) => void process.on('uncaughtException', callback),
    exit: (code) => process.exit(code),
  };
}
