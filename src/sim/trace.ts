import { Writer } from '../base/writer.ts';

/** What an event carries along; numbers and texts only, so that it has one form. */
export type TraceFields = Readonly<Record<string, string | number | boolean | bigint | null>>;

/**
 * What happened, folded into one hash: two runs of one seed and commit must agree in it. Events
 * that are cheap and many go in as numbers; those that people read are kept while `--trace` asks.
 */
export class Trace {
  private high = 0x6a09e667;
  private low = 0xbb67ae85 | 0;
  private readonly print: ((line: string) => void) | null;
  private readonly text = new Writer(1_024);

  constructor(print: ((line: string) => void) | null = null) {
    this.print = print;
  }

  /** Folds in a whole number. */
  mix(value: number): void {
    this.low = Math.imul(this.low ^ value ^ (value / 65_536), 0x01000193);
    this.high = Math.imul(this.high ^ this.low ^ (this.low >>> 15), 0x85ebca6b);
    this.low = (this.low + this.high) | 0;
  }

  mixBytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.mix(bytes[i] as number);
  }

  /** An event that people can make sense of. */
  note(atUs: number, who: string, what: string, fields: TraceFields = {}): void {
    let line = `${who} ${what}`;
    for (const name in fields) line += ` ${name}=${String(fields[name])}`;
    this.text.clear();
    this.text.ustring(line);
    this.mix(atUs);
    this.mixBytes(this.text.written());
    this.print?.(`${(atUs / 1_000_000).toFixed(6).padStart(12)} ${line}`);
  }

  /** 16 hex digits. */
  get hash(): string {
    const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, '0');
    return hex(this.high) + hex(this.low);
  }
}
