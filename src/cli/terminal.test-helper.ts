import type { Terminal } from './terminal.ts';

/** A terminal without colours that keeps what is printed. */
export class Kept {
  out = '';
  err = '';
  readonly terminal: Terminal = {
    out: (text) => {
      this.out += text;
    },
    err: (text) => {
      this.err += text;
    },
    outColours: false,
    errColours: false,
  };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a command has printed, and its exit code. */
export async function ran(command: (terminal: Terminal) => Promise<number>): Promise<Ran> {
  const kept = new Kept();
  const code = await command(kept.terminal);
  return { code, out: kept.out, err: kept.err };
}
