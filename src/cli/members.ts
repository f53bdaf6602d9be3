import { ExitCode, InvocationError } from './exit-code.ts';
import { type Colour, columns, paint, printFailure, type Terminal } from './terminal.ts';

export interface MembersArguments {
  /** host:port of any server. */
  readonly server: string;
  readonly watch: boolean;
  readonly json: boolean;
}

/** What showing members takes from the process; tests put their own in its place. */
export interface MembersHost {
  readonly terminal: Terminal;
  /** The whole answer to a four-letter word; rejects with what went wrong. */
  ask(host: string, port: number, word: string): Promise<string>;
  /** Resolves after a moment; false: the user has had enough. */
  wait(ms: number): Promise<boolean>;
}

const WATCH_EVERY_MS = 1_000;
const CLEAR = '\u001b[2J\u001b[H';
/** What people look at; JSON has all. */
const SHOWN = [
  ...['status', 'role', 'server', 'gossip', 'client'],
  ...['incarnation', 'zxid', 'lag', 'load', 'version', 'here'],
];
const NUMBERS = new Set(['server', 'incarnation', 'slot', 'lag', 'load']);
const COLOURS: Readonly<Record<string, Colour>> = {
  alive: 'green',
  suspect: 'yellow',
  dead: 'red',
  left: 'dim',
};

type Row = Readonly<Record<string, string>>;

/** Prints who takes part in gossip, as one server knows it. Gives the exit code. */
export async function showMembers(args: MembersArguments, host: MembersHost): Promise<number> {
  const { host: name, port } = parseServer(args.server);
  for (;;) {
    let rows: Row[];
    try {
      rows = parseMembers(await host.ask(name, port, 'mbrs'));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      printFailure(host.terminal, `${args.server}: ${reason}`);
      if (!args.watch || !(await host.wait(WATCH_EVERY_MS))) return ExitCode.unexpected;
      continue;
    }
    print(rows, args, host.terminal);
    if (!args.watch || !(await host.wait(WATCH_EVERY_MS))) return ExitCode.ok;
  }
}

function print(rows: readonly Row[], { watch, json }: MembersArguments, terminal: Terminal): void {
  if (json) {
    // One line for each look, so that scripts can follow.
    const text = JSON.stringify(rows.map(typed), null, watch ? 0 : 2);
    terminal.out(`${text}\n`);
    return;
  }
  if (watch && terminal.outColours) terminal.out(CLEAR);
  terminal.out(table(rows, terminal.outColours));
}

/** Colours change no width, so they come last. */
function table(rows: readonly Row[], colours: boolean): string {
  const cells = rows.map((row) => SHOWN.map((name) => row[name] ?? '-'));
  const [head = '', ...lines] = columns([SHOWN, ...cells])
    .trimEnd()
    .split('\n');
  const painted = lines.map((line, i) => {
    const { status = '' } = rows[i] ?? {};
    const colour = COLOURS[status];
    if (colour === undefined) return line;
    return paint(colours, colour, status) + line.slice(status.length);
  });
  return [paint(colours, 'bold', head), ...painted].map((line) => `${line}\n`).join('');
}

/** Throws an Error with the server's own words if it has no members to tell of. */
export function parseMembers(text: string): Row[] {
  const [head = '', ...lines] = text.split('\n').filter((line) => line !== '');
  if (/whitelist/.test(head)) {
    throw new Error('it does not tell: add mbrs to 4lw.commands.whitelist of its zoo.cfg');
  }
  if (!head.startsWith('status\t')) throw new Error(head === '' ? 'it says nothing' : head);
  const names = head.split('\t');
  return lines.map((line) => {
    const values = line.split('\t');
    return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '-']));
  });
}

function typed(row: Row): Record<string, string | number | boolean | null> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (name === 'here') return [name, value === 'here'];
      if (value === '-') return [name, null];
      return [name, NUMBERS.has(name) ? Number(value) : value];
    }),
  );
}

function parseServer(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? 0);
  if (match === null || port < 1 || port > 65_535) {
    throw new InvocationError('--server must be host:port, such as 127.0.0.1:2181');
  }
  return { host: match[1] ?? match[2] ?? '', port };
}
