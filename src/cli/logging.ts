import type { LogFormat, LogLevel } from '../config/server-config.ts';
import type { LogFields, Logger } from '../io/logger.ts';

/** A logger of the process, and what only its owner may do with it. */
export interface ProcessLogger extends Logger {
  /** Loads the writer behind it; lines logged before wait, with the time at which they came. */
  open(): Promise<void>;
  /** Writes everything out, synchronously: the process is about to end. */
  flush(): void;
}

export interface LoggingOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly isTerminal: boolean;
  readonly colours: boolean;
}

interface Line {
  readonly level: LogLevel;
  readonly timeMs: number;
  readonly fields: LogFields;
  readonly message: string;
}

interface Sink {
  write(line: Line): void;
  flush(): void;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** Lines that wait for the writer; a start that logs more has lost its way. */
const WAITING_MAX = 1000;
/** Bytes that wait for a reader of standard error who has stopped reading; then lines are lost. */
const UNREAD_BYTES_MAX = 4_194_304;

/**
 * Logs to standard error. The library behind it takes longer to load than an empty server takes to
 * start, so it is loaded by `open`, after the port is open.
 */
export function createLogger(options: LoggingOptions): ProcessLogger {
  return new DeferredLogger(LEVELS.indexOf(options.level), () => openSink(options));
}

class DeferredLogger implements ProcessLogger {
  private readonly threshold: number;
  private readonly load: () => Promise<Sink>;
  private waiting: Line[] = [];
  private sink: Sink | null = null;

  constructor(threshold: number, load: () => Promise<Sink>) {
    this.threshold = threshold;
    this.load = load;
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
    if (this.sink !== null) return;
    this.sink = await this.load();
    for (const line of this.waiting) this.sink.write(line);
    this.waiting = [];
  }

  flush(): void {
    for (const line of this.waiting) process.stderr.write(plainLine(line));
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

/** For lines that outlive the process only if they are written without the library. */
function plainLine(line: Line): string {
  const { level, timeMs, fields, message } = line;
  const plain = Object.entries(fields).map(([key, value]) => [
    key,
    value instanceof Error ? (value.stack ?? value.message) : value,
  ]);
  return `${JSON.stringify({ level, time: timeMs, ...Object.fromEntries(plain), msg: message })}\n`;
}

async function openSink(options: LoggingOptions): Promise<Sink> {
  const { default: pino } = await import('pino');
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && options.isTerminal);
  const destination = isPretty
    ? await prettyDestination(options.colours)
    : pino.destination({ dest: 2, sync: false, maxLength: UNREAD_BYTES_MAX });
  const logger = pino(
    {
      level: 'debug',
      base: null,
      // Lines carry the time at which they came, not the time at which they are written.
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    destination,
  );
  return {
    write: ({ level, timeMs, fields, message }) =>
      logger[level]({ time: timeMs, ...fields }, message),
    flush: () => flushQuietly(destination),
  };
}

interface Destination {
  write(text: string): void;
  flushSync?(): void;
}

async function prettyDestination(colorize: boolean): Promise<Destination> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    destination: 2,
    sync: true,
    colorize,
    translateTime: 'SYS:HH:MM:ss.l',
    errorLikeObjectKeys: ['error'],
  });
}

/** A destination that is not open yet, or no longer, has nothing that could be saved. */
function flushQuietly(destination: Destination): void {
  try {
    destination.flushSync?.();
  } catch {
    // Nothing is left to tell it to.
  }
}
