import { copyBytes, viewOf } from '../../base/bytes.ts';
import { DecodeError, type Reader } from '../../base/reader.ts';

const LENGTH_BYTES = 4;
/** xid, zxid, err: what is kept of a reply that is too long. */
const HEADER_BYTES = 16;
/** No server sends frames of a gibibyte: whoever says so does not speak this protocol. */
const FRAME_BYTES_ABSURD = 1_073_741_824;
/** The buffer for frames in pieces is kept up to this size. */
const KEPT_BYTES_MAX = 65_536;

/**
 * Cuts a stream of bytes into frames and leaves them where they are: only a frame that arrives in
 * pieces is copied. Of one longer than allowed the header alone is handed out and the rest skipped,
 * so that the request it answers can be told so and the connection goes on.
 */
export class FrameInput {
  /** The frame handed out last was too long, and is its header alone. */
  isCut = false;
  private readonly bytesMax: number;
  private chunk: Uint8Array = new Uint8Array(0);
  private view: DataView = viewOf(this.chunk);
  private at = 0;
  private pieces: Uint8Array = new Uint8Array(0);
  private piecesView: DataView = viewOf(this.pieces);
  /** Bytes of an unfinished frame, its length included. */
  private have = 0;
  /** What is still to be skipped of a frame that was too long. */
  private skipping = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes that came; they are looked at until the next call. */
  push(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.view = viewOf(chunk);
    this.at = 0;
  }

  /** Forgets everything: another connection begins. */
  clear(): void {
    this.push(new Uint8Array(0));
    this.have = 0;
    this.skipping = 0;
  }

  /** Sets the reader on the next frame's payload; false: there is none until more bytes come. */
  next(reader: Reader): boolean {
    this.isCut = false;
    if (this.skipping > 0) this.skip();
    if (this.have > 0) return this.nextOfPieces(reader);
    const rest = this.chunk.length - this.at;
    if (rest < LENGTH_BYTES) return this.keep(rest, LENGTH_BYTES);
    const length = this.checked(this.view.getInt32(this.at));
    const end = this.at + LENGTH_BYTES + length;
    if (length > this.bytesMax || end > this.chunk.length) {
      this.keep(LENGTH_BYTES, LENGTH_BYTES);
      return this.nextOfPieces(reader);
    }
    reader.reset(this.chunk, this.view, this.at + LENGTH_BYTES, end);
    this.at = end;
    return true;
  }

  private nextOfPieces(reader: Reader): boolean {
    if (!this.fill(LENGTH_BYTES)) return false;
    const length = this.checked(this.piecesView.getInt32(0));
    const isTooLong = length > this.bytesMax;
    const end = LENGTH_BYTES + (isTooLong ? Math.min(length, HEADER_BYTES) : length);
    if (!this.fill(end)) return false;
    reader.reset(this.pieces, this.piecesView, LENGTH_BYTES, end);
    this.have = 0;
    this.isCut = isTooLong;
    if (isTooLong) this.skipping = LENGTH_BYTES + length - end;
    return true;
  }

  /** Completes the pieces up to `count` bytes, as far as the chunk goes. */
  private fill(count: number): boolean {
    const missing = count - this.have;
    if (missing > 0) this.keep(Math.min(missing, this.chunk.length - this.at), count);
    return this.have >= count;
  }

  private keep(count: number, needed: number): false {
    const isOversized = this.have === 0 && this.pieces.length > KEPT_BYTES_MAX;
    if (needed > this.pieces.length || isOversized) this.resize(needed);
    copyBytes(this.chunk, this.at, this.at + count, this.pieces, this.have);
    this.have += count;
    this.at += count;
    return false;
  }

  private resize(needed: number): void {
    const resized = new Uint8Array(Math.max(needed, 1024));
    resized.set(this.pieces.subarray(0, this.have));
    this.pieces = resized;
    this.piecesView = viewOf(resized);
  }

  private skip(): void {
    const count = Math.min(this.skipping, this.chunk.length - this.at);
    this.at += count;
    this.skipping -= count;
  }

  private checked(length: number): number {
    if (length < 0 || length > FRAME_BYTES_ABSURD)
      throw new DecodeError(`a frame of ${length} bytes`);
    return length;
  }
}
