import { parseKeyLines } from '../base/key-lines.ts';
import { utf8Decode } from '../base/utf8.ts';
import type { Clock } from '../io/clock.ts';
import type { Disk } from '../io/disk.ts';
import type { Logger } from '../io/logger.ts';

/** How soon a change of the file is noticed without a signal. */
const LOOK_EVERY_MS = 5_000;
/** Far more than so many keys with a comment each. */
const FILE_BYTES_MAX = 65_536;

export interface KeyFileOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly path: string;
  /** Called with other keys than those before. */
  readonly onKeys: (keys: readonly Uint8Array[]) => void;
}

/** The file of gossip's keys: read at the start, and again when it changes. */
export class KeyFile {
  private readonly options: KeyFileOptions;
  private text: string | null = null;
  /** What was wrong with the file when it was last read. */
  private trouble: string | null = null;
  private isReading = false;
  private stopLooking: () => void = () => {};

  constructor(options: KeyFileOptions) {
    this.options = options;
  }

  /** Throws if there are no keys to begin with: nothing may leave unsealed then. */
  async begin(): Promise<readonly Uint8Array[]> {
    const { path, clock } = this.options;
    const text = await this.read();
    const keys = parseKeyLines(text);
    if (typeof keys === 'string') throw new Error(`gossip.keyFile: ${path}: ${keys}`);
    this.text = text;
    this.stopLooking = clock.every(LOOK_EVERY_MS, () => void this.look());
    return keys;
  }

  stop(): void {
    this.stopLooking();
  }

  /** Reads the file again. One that is bad changes nothing. */
  async look(): Promise<void> {
    if (this.isReading || this.text === null) return;
    this.isReading = true;
    try {
      this.take(await this.read());
    } catch (error) {
      this.complain(error instanceof Error ? error.message : String(error));
    } finally {
      this.isReading = false;
    }
  }

  private take(text: string): void {
    const { logger, onKeys } = this.options;
    const keys = parseKeyLines(text);
    if (typeof keys === 'string') {
      this.complain(keys);
      return;
    }
    this.trouble = null;
    if (text === this.text) return;
    this.text = text;
    logger.info({ keys: keys.length }, 'gossip: new keys');
    onKeys(keys);
  }

  private complain(trouble: string): void {
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    const { logger, path } = this.options;
    logger.error({ path, trouble }, 'gossip: the key file is bad, the keys from before stay');
  }

  private async read(): Promise<string> {
    const { disk, path } = this.options;
    const file = await disk.open(path, 'read');
    try {
      const bytes = new Uint8Array(FILE_BYTES_MAX);
      return utf8Decode(bytes, 0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  }
}
