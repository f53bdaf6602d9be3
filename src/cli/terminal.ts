import { formatProblem, type Problem, type Severity } from '../config/problem.ts';

/** Where a command writes; tests put their own in its place. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly outColours: boolean;
  readonly errColours: boolean;
}

export function processTerminal(): Terminal {
  // Whoever reads may leave at any time, as `head` does: that is no error, least of all a server's.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outColours: wantsColours(process.stdout.isTTY, process.env),
    errColours: wantsColours(process.stderr.isTTY, process.env),
  };
}

/** On a terminal only, unless the user says otherwise by the variables that everybody uses. */
export function wantsColours(
  isTerminal: boolean | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const { NO_COLOR, FORCE_COLOR } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0';
  return isTerminal === true;
}

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof CODES;

export function paint(enabled: boolean, colour: Colour, text: string): string {
  return enabled ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

const SEVERITY_COLOURS: Readonly<Record<Severity, Colour>> = {
  error: 'red',
  warning: 'yellow',
  info: 'cyan',
};

/** Problems on standard error, one a line, the gravest last, where eyes are. */
export function printProblems(terminal: Terminal, problems: readonly Problem[]): void {
  for (const severity of ['info', 'warning', 'error'] as const) {
    for (const problem of problems) {
      if (problem.severity !== severity) continue;
      const label = paint(terminal.errColours, SEVERITY_COLOURS[severity], severity);
      terminal.err(`${label}: ${formatProblem(problem)}\n`);
    }
  }
}

export function printFailure(terminal: Terminal, message: string): void {
  terminal.err(`${paint(terminal.errColours, 'red', 'error')}: ${message}\n`);
}

/** Columns wide enough for what they hold; the last one is left ragged. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** A number of bytes as people say it. */
export function bytesText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${['bytes', 'KiB', 'MiB', 'GiB'][power] ?? ''}`;
}
