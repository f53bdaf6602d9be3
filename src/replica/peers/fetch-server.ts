import { OBSERVER_FETCHES_MAX } from '../../base/limits.ts';
import type { Reader } from '../../base/reader.ts';
import type { Logger } from '../../io/logger.ts';
import { putEntries } from '../../paxos/codec.ts';
import type { Anchor, Entry } from '../../paxos/entry.ts';
import { SERVER_ID_MAX } from '../../protocol/ensemble-text.ts';
import { type FrameHandler, type FrameStream, FrameType } from './frames.ts';
import { type Hello, Purpose } from './hello.ts';
import type { PeerListener } from './listener.ts';

const CHUNK_BYTES = 262_144;
/** Sent ahead of what the other side has taken. */
const AHEAD_BYTES = 4_194_304;

/** What others may fetch. */
export interface FetchSource {
  /** What slot 1 follows. */
  readonly beginning: Anchor;
  readonly decidedSlot: number;
  readLog(fromSlot: number, maxBytes: number): Promise<Entry[] | null>;
  openNewestSnapshot(): Promise<SnapshotSource | null>;
  /** Neither reaches as far as somebody needs: writes a snapshot of what has been applied. */
  writeSnapshot(): void;
}

export interface SnapshotSource extends Anchor {
  readonly zxid: number;
  readonly bytes: number;
  read(target: Uint8Array, at: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Decided entries for whoever lacks them, as far as the log reaches back; else the newest snapshot.
 * Any replica serves, so that catching up costs the leader nothing it need not pay.
 */
export function serveFetches(
  listener: PeerListener,
  source: FetchSource,
  refuse: (hello: Hello) => string | null,
  logger: Logger,
): void {
  let forObservers = 0;
  listener.serve(Purpose.fetch, (hello, frames) => {
    const reason = refuse(hello);
    if (reason !== null) return reason;
    if (hello.serverId <= SERVER_ID_MAX) return new Fetch(frames, source, logger, () => {});
    // A thousand of them may come at once; members, without whom nothing is decided, come first.
    if (forObservers >= OBSERVER_FETCHES_MAX) return 'it serves as many observers as it can';
    forObservers++;
    return new Fetch(frames, source, logger, () => forObservers--);
  });
}

class Fetch implements FrameHandler {
  private readonly frames: FrameStream;
  private readonly source: FetchSource;
  private readonly logger: Logger;
  private readonly onClosed: () => void;
  private isBusy = false;
  private isClosed = false;
  private room: () => void = () => {};

  constructor(frames: FrameStream, source: FetchSource, logger: Logger, onClosed: () => void) {
    this.frames = frames;
    this.onClosed = onClosed;
    this.source = source;
    this.logger = logger;
    frames.onRoom = () => this.room();
  }

  onFrame(type: number, payload: Reader): void {
    if (type !== FrameType.fetch || this.isBusy) {
      this.frames.destroy();
      return;
    }
    this.isBusy = true;
    const fromSlot = payload.f64();
    this.serve(fromSlot).catch((error: unknown) => {
      this.logger.warn({ error }, 'could not send another server what it lacks');
      this.frames.destroy();
    });
  }

  onClose(): void {
    this.isClosed = true;
    this.onClosed();
    this.room();
  }

  private async serve(fromSlot: number): Promise<void> {
    let slot = fromSlot;
    while (!this.isClosed && slot <= this.source.decidedSlot) {
      const after = slot === 1 ? this.source.beginning : await this.entryAt(slot - 1);
      const entries = await this.source.readLog(slot, 4 * CHUNK_BYTES);
      if (entries === null || after === null) {
        await this.sendSnapshot(slot);
        break;
      }
      const decided = entries.filter((entry) => entry.slot <= this.source.decidedSlot);
      const last = decided[decided.length - 1];
      if (last === undefined) break;
      this.sendEntries(after, decided, last);
      slot = last.slot + 1;
      await this.hasRoom();
    }
    this.frames.begin(FrameType.fetchEnd);
    this.frames.end();
    this.frames.finish();
  }

  /** What the entries follow: the receiver holds it against what it has. */
  private async entryAt(slot: number): Promise<Anchor | null> {
    return (await this.source.readLog(slot, 1))?.[0] ?? null;
  }

  private sendEntries(after: Anchor, entries: readonly Entry[], last: Entry): void {
    const writer = this.frames.begin(FrameType.entries);
    writer.f64(after.slot);
    writer.raw(after.hash);
    writer.raw(last.hash);
    putEntries(writer, entries);
    this.frames.end();
  }

  /**
   * The log may not reach back although the snapshot is older than what is asked for: with entries
   * damaged that the snapshot covers, the one behind it can't be shown to follow them. If this is
   * the leader, and a quorum lacks that entry, no other write will ever bring the next snapshot.
   */
  private async sendSnapshot(slot: number): Promise<void> {
    const snapshot = await this.source.openNewestSnapshot();
    if (snapshot === null || snapshot.slot < slot) {
      await snapshot?.close();
      this.source.writeSnapshot();
      return;
    }
    try {
      const writer = this.frames.begin(FrameType.snapshot);
      writer.f64(snapshot.slot);
      writer.raw(snapshot.hash);
      writer.f64(snapshot.zxid);
      writer.f64(snapshot.bytes);
      this.frames.end();
      const chunk = new Uint8Array(CHUNK_BYTES);
      for (let at = 0; at < snapshot.bytes && !this.isClosed; ) {
        const count = await snapshot.read(chunk, at);
        this.frames.begin(FrameType.snapshotChunk).raw(chunk, 0, count);
        this.frames.end();
        at += count;
        await this.hasRoom();
      }
    } finally {
      await snapshot.close();
    }
  }

  private async hasRoom(): Promise<void> {
    while (!this.isClosed && this.frames.bufferedBytes > AHEAD_BYTES) {
      await new Promise<void>((resolve) => {
        this.room = resolve;
      });
    }
  }
}
