import { copyBytes, viewOf } from '../../base/bytes.ts';
import { PEER_FRAME_BYTES_MAX, PEER_OUTPUT_BYTES_MAX } from '../../base/limits.ts';
import { DecodeError, Reader } from '../../base/reader.ts';
import { Writer } from '../../base/writer.ts';
import type { Checksums } from '../../io/checksums.ts';
import type { Stream, StreamHandler } from '../../io/network.ts';
import type { Flushable, Turn } from '../turn.ts';

/** What a frame between replicas is. A number is never used again for something else. */
export const FrameType = {
  hello: 1,
  welcome: 2,
  refused: 3,
  /** Nothing but a sign of life. */
  alive: 4,
  message: 5,
  forward: 6,
  report: 7,
  confirmReport: 8,
  askIndex: 9,
  tellIndex: 10,
  fetch: 11,
  entries: 12,
  snapshot: 13,
  snapshotChunk: 14,
  fetchEnd: 15,
  founding: 16,
  digests: 17,
  differs: 18,
  joining: 19,
  relayed: 20,
  sessionIds: 21,
  way: 22,
  follow: 23,
  lacks: 24,
  chunk: 25,
  touches: 26,
  question: 27,
  wantsIds: 28,
  rest: 29,
  standing: 30,
  pull: 31,
  /** Those of gossip's port; what stands between belongs to others. */
  gossipChallenge: 48,
  gossip: 49,
} as const;

/** `length:u32 crc32:u32 type:u8 payload`; length and checksum cover type and payload. */
const HEADER_BYTES = 8;
/** Whoever has not said who he is may not make us keep more than this. */
const GREETING_BYTES_MAX = 65_536;
const BUFFER_BYTES = 65_536;
const KEPT_BYTES_MAX = 4_194_304;

export interface FrameHandler {
  /** A whole frame; its bytes are the handler's to keep. DecodeError: they make no sense. */
  onFrame(type: number, payload: Reader): void;
  onClose(): void;
}

/** One connection between replicas, as frames. Output leaves at the end of the turn. */
export class FrameStream implements StreamHandler, Flushable {
  readonly stream: Stream;
  handler: FrameHandler;
  /** When something was last heard, on the monotonic clock. */
  heardMs: number;
  /** Called when everything has left. */
  onRoom: () => void = () => {};
  private readonly checksums: Checksums;
  private readonly turn: Turn;
  private frameBytesMax = GREETING_BYTES_MAX;
  private writer = new Writer(BUFFER_BYTES);
  private inFlight: Writer | null = null;
  private dirty = false;
  private frameAt = 0;
  private isClosed = false;
  private ending = false;
  /** The frame that is arriving: its header, then its body. */
  private readonly header = new Uint8Array(HEADER_BYTES);
  private readonly headerView = viewOf(this.header);
  private body: Uint8Array | null = null;
  private filled = 0;
  private readonly reader = new Reader();
  private readonly now: () => number;

  constructor(
    stream: Stream,
    options: { checksums: Checksums; turn: Turn; nowMs: () => number },
    handler: FrameHandler,
  ) {
    this.stream = stream;
    this.checksums = options.checksums;
    this.turn = options.turn;
    this.now = options.nowMs;
    this.heardMs = options.nowMs();
    this.handler = handler;
  }

  /** The other side has shown who it is: longer frames are welcome. */
  trust(): void {
    this.frameBytesMax = PEER_FRAME_BYTES_MAX;
  }

  /** Bytes that have not left yet. */
  get bufferedBytes(): number {
    return this.writer.at + (this.inFlight?.at ?? 0);
  }

  /** Starts a frame; write the payload, then call `end`. */
  begin(type: number): Writer {
    const { writer } = this;
    this.frameAt = writer.at;
    writer.reserve(HEADER_BYTES + 1);
    writer.at += HEADER_BYTES;
    writer.u8(type);
    return writer;
  }

  end(): void {
    const { writer, frameAt } = this;
    const from = frameAt + HEADER_BYTES;
    writer.patchI32(frameAt, writer.at - from);
    writer.patchI32(frameAt + 4, this.checksums.crc32(writer.bytes, from, writer.at, 0) | 0);
    // A peer that does not read is cut off rather than queued for without bound (rule 55).
    if (this.bufferedBytes > PEER_OUTPUT_BYTES_MAX) this.destroy();
    else this.markDirty();
  }

  flush(): void {
    this.dirty = false;
    if (this.isClosed || this.inFlight !== null || this.writer.at === 0) {
      this.endIfDone();
      return;
    }
    const { writer } = this;
    if (this.stream.write(writer.written())) {
      this.recycle(writer);
      this.endIfDone();
      this.onRoom();
    } else {
      this.inFlight = writer;
      this.writer = new Writer(BUFFER_BYTES);
    }
  }

  /** Closes once everything has left. */
  finish(): void {
    this.ending = true;
    this.markDirty();
  }

  destroy(): void {
    if (this.isClosed) return;
    this.stream.destroy();
    this.onClose();
  }

  onDrain(): void {
    const sent = this.inFlight;
    this.inFlight = null;
    if (sent !== null && this.writer.at === 0) this.recycle(sent);
    const isEmpty = this.writer.at === 0;
    this.flush();
    if (isEmpty) this.onRoom();
  }

  onClose(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.handler.onClose();
  }

  onData(bytes: Uint8Array): void {
    this.heardMs = this.now();
    let at = 0;
    while (at < bytes.length && !this.isClosed) at = this.take(bytes, at);
  }

  /** Takes what belongs to the frame that is arriving; returns where the next one begins. */
  private take(bytes: Uint8Array, at: number): number {
    const target = this.body ?? this.header;
    const count = Math.min(target.length - this.filled, bytes.length - at);
    copyBytes(bytes, at, at + count, target, this.filled);
    this.filled += count;
    if (this.filled < target.length) return at + count;
    this.filled = 0;
    if (this.body === null) this.beginBody();
    else this.deliver(this.body);
    return at + count;
  }

  private beginBody(): void {
    const length = this.headerView.getUint32(0);
    if (length < 1 || length > this.frameBytesMax) {
      this.destroy();
      return;
    }
    this.body = new Uint8Array(length);
  }

  private deliver(body: Uint8Array): void {
    this.body = null;
    const crc = this.headerView.getUint32(4);
    if (this.checksums.crc32(body, 0, body.length, 0) !== crc) {
      this.destroy();
      return;
    }
    this.reader.reset(body, viewOf(body), 0, body.length);
    const type = this.reader.u8();
    if (type === FrameType.alive) return;
    try {
      this.handler.onFrame(type, this.reader);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.destroy();
    }
  }

  private recycle(writer: Writer): void {
    // A buffer that one large frame blew up is not kept.
    const isUsual = writer.bytes.length <= KEPT_BYTES_MAX;
    if (isUsual) writer.clear();
    this.writer = isUsual ? writer : new Writer(BUFFER_BYTES);
  }

  private markDirty(): void {
    if (this.dirty || this.isClosed) return;
    this.dirty = true;
    this.turn.add(this);
  }

  private endIfDone(): void {
    if (this.ending && this.inFlight === null && this.writer.at === 0 && !this.isClosed) {
      this.stream.end();
    }
  }
}
