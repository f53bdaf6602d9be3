import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type Pino from 'pino';
import type { LogFormat, LogLevel } from '../config/server-config.ts';
import type { LogFields, Logger } from '../io/logger.ts';

/** A logger of the process, and what only its owner may do with it. */
export interface ProcessLogger extends Logger {
  /** Loads the writer behind it; lines logged before wait, with the time at which they came. */
  open(): Promise<void>;
  /** Settles once everything is written, or nobody has read it for a while. */
  close(): Promise<void>;
  /** Writes out what it can at once, for a process that ends in the middle of things. */
  flush(): void;
}

export interface LoggingOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly isTerminal: boolean;
  readonly colours: boolean;
  /** Where lines go; 2 is standard error. */
  readonly fd: number;
  /** `open` waits so long first, for whoever waits for the server needs the processor more. */
  readonly openDelayMs: number;
}

interface Line {
  readonly level: LogLevel;
  readonly timeMs: number;
  readonly fields: LogFields;
  readonly message: string;
}

interface Sink {
  write(line: Line): void;
  close(): Promise<void>;
  flush(): void;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** Lines that wait for the writer; a start that logs more has lost its way. */
const WAITING_MAX = 1000;
/** Bytes that wait for a reader of standard error who has stopped reading; then lines are lost. */
const UNREAD_BYTES_MAX = 4_194_304;
/** How long the end of the process waits for such a reader. */
const CLOSE_TIMEOUT_MS = 1000;

/**
 * Logs to a descriptor. The library behind it takes longer to load than an empty server takes to
 * start, so it is loaded by `open`, after the port is open.
 */
export function createLogger(options: LoggingOptions): ProcessLogger {
  return new DeferredLogger(options);
}

class DeferredLogger implements ProcessLogger {
  private readonly threshold: number;
  private readonly options: LoggingOptions;
  private waiting: Line[] = [];
  private sink: Sink | null = null;

  constructor(options: LoggingOptions) {
    this.threshold = LEVELS.indexOf(options.level);
    this.options = options;
  }

  debug(fields: LogFields, message: string): void {
    this.log('debug', fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.log('info', fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.log('warn', fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.log('error', fields, message);
  }

  async open(): Promise<void> {
    if (this.options.openDelayMs > 0)
      await delay(this.options.openDelayMs, undefined, { ref: false });
    this.sink = await openSink(this.options).catch((error: unknown) => {
      this.log('warn', { error }, 'plain logs: the library for them cannot be loaded');
      return plainSink(this.options.fd);
    });
    for (const line of this.waiting) this.sink.write(line);
    this.waiting = [];
  }

  async close(): Promise<void> {
    if (this.sink === null) this.flush();
    else await this.sink.close();
  }

  flush(): void {
    for (const line of this.waiting) writeSync(this.options.fd, plainLine(line));
    this.waiting = [];
    this.sink?.flush();
  }

  private log(level: LogLevel, fields: LogFields, message: string): void {
    if (LEVELS.indexOf(level) < this.threshold) return;
    const line = { level, timeMs: Date.now(), fields, message };
    if (this.sink !== null) this.sink.write(line);
    else if (this.waiting.length < WAITING_MAX) this.waiting.push(line);
  }
}

/** A line as it is written without the library. */
function plainLine(line: Line): string {
  const { level, timeMs, fields, message } = line;
  const plain = Object.entries(fields).map(([key, value]) => [
    key,
    value instanceof Error ? (value.stack ?? value.message) : value,
  ]);
  return `${JSON.stringify({ level, time: timeMs, ...Object.fromEntries(plain), msg: message })}\n`;
}

/** For an installation that lacks the library: a server without logs would be worse. */
function plainSink(fd: number): Sink {
  return {
    write: (line) => void writeSync(fd, plainLine(line)),
    close: async () => {},
    flush: () => {},
  };
}

async function openSink(options: LoggingOptions): Promise<Sink> {
  const { default: pino } = await import('pino');
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && options.isTerminal);
  const file = isPretty ? null : openFile(pino, options.fd);
  const logger = pino(
    {
      level: 'debug',
      base: null,
      // Lines carry the time at which they came, not the time at which they are written.
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    file ?? (await openPretty(options)),
  );
  return {
    write: ({ level, timeMs, fields, message }) =>
      logger[level]({ time: timeMs, ...fields }, message),
    close: async () => {
      if (file !== null) await drained(file);
    },
    flush: () => {
      if (file !== null) flushQuietly(file);
    },
  };
}

type LogFile = ReturnType<typeof Pino.destination>;

/** Writes from the thread pool: a reader who has stopped reading doesn't stop the server. */
function openFile(pino: typeof Pino, fd: number): LogFile {
  // `flush` waits for what is under way only when a least length is set.
  const file = pino.destination({
    dest: fd,
    sync: false,
    minLength: 1,
    maxLength: UNREAD_BYTES_MAX,
  });
  // A full disk under the log must not end a server whose data is elsewhere.
  file.on('error', () => {});
  return file;
}

/** For people: synchronous, so that lines and standard output keep their order. */
async function openPretty(options: LoggingOptions): Promise<Pino.DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    destination: options.fd,
    sync: true,
    colorize: options.colours,
    translateTime: 'SYS:HH:MM:ss.l',
    errorLikeObjectKeys: ['error'],
  });
}

function drained(file: LogFile): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    file.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** A file that has failed has nothing that could be saved. */
function flushQuietly(file: LogFile): void {
  try {
    file.flushSync();
  } catch {
    // Nothing is left to tell it to.
  }
}
