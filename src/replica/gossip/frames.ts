import { viewOf } from '../../base/bytes.ts';
import { GOSSIP_PACKET_BYTES_MAX } from '../../base/limits.ts';
import { DecodeError, Reader } from '../../base/reader.ts';
import { Writer } from '../../base/writer.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../gossip/codec.ts';
import type { MemberId } from '../../gossip/member.ts';
import type { Message } from '../../gossip/messages.ts';
import type { Checksums } from '../../io/checksums.ts';
import { Replays } from './replays.ts';
import type { Refusal, Seal } from './seal.ts';

export type DropReason = Refusal | 'otherCluster' | 'oversized' | 'replayed';

/** Why something that came was dropped; each has a counter. */
export const DROP_REASONS: readonly DropReason[] = [
  'noKey',
  'unexpectedKey',
  'wrongKey',
  'otherCluster',
  'oversized',
  'malformed',
  'replayed',
];

const WRITER_BYTES_MAX = 1_048_576;
const NO_COMPANY = new Uint8Array(0);
/** Where a gossip frame has its cluster: behind the format. */
const CLUSTER_AT = 1;

export interface FramesOptions {
  readonly id: MemberId;
  readonly clusterId: Uint8Array;
  readonly checksums: Checksums;
  readonly seal: Seal;
}

/** From bytes to messages and back, and a count of what was dropped on the way. */
export class Frames {
  readonly dropped: Record<DropReason, number> = {
    noKey: 0,
    unexpectedKey: 0,
    wrongKey: 0,
    otherCluster: 0,
    oversized: 0,
    malformed: 0,
    replayed: 0,
  };
  private readonly options: FramesOptions;
  private readonly cluster: number;
  private readonly replays = new Replays();
  private writer = new Writer();
  private readonly reader = new Reader();

  constructor(options: FramesOptions) {
    const { checksums, clusterId } = options;
    this.options = options;
    this.cluster = checksums.crc32(clusterId, 0, clusterId.length, 0) | 0;
  }

  /** Members whose packets are remembered. */
  get sendersKnown(): number {
    return this.replays.size;
  }

  /** Null if it would not fit a packet. */
  packet(message: Message): Uint8Array | null {
    const sealed = this.options.seal.seal(this.encoded(message), NO_COMPANY);
    return sealed.length > GOSSIP_PACKET_BYTES_MAX ? null : sealed;
  }

  streamed(message: Message, company: Uint8Array): Uint8Array {
    return this.options.seal.seal(this.encoded(message), company);
  }

  /** Null for what was dropped. */
  openPacket(bytes: Uint8Array): Frame | null {
    if (bytes.length > GOSSIP_PACKET_BYTES_MAX) return this.drop('oversized');
    const opened = this.options.seal.open(bytes, NO_COMPANY);
    if (typeof opened === 'string') return this.drop(opened);
    const frame = this.decoded(opened.content);
    if (frame === null || opened.number === 0) return frame;
    const isNew = this.replays.isNew(frame.from, opened.life, opened.number);
    return isNew ? frame : this.drop('replayed');
  }

  /** A frame of a stream: old ones have another company, and do not open. */
  openStreamed(bytes: Uint8Array, company: Uint8Array): Frame | null {
    const opened = this.options.seal.open(bytes, company);
    return typeof opened === 'string' ? this.drop(opened) : this.decoded(opened.content);
  }

  /** What a stream begins with, so that strangers can't send long frames: the cluster's identity. */
  greeting(company: Uint8Array): Uint8Array {
    return this.options.seal.seal(this.options.clusterId, company);
  }

  isGreeting(bytes: Uint8Array, company: Uint8Array): boolean {
    const opened = this.options.seal.open(bytes, company);
    if (typeof opened === 'string') {
      this.drop(opened);
      return false;
    }
    const { clusterId } = this.options;
    const { content } = opened;
    const isOurs =
      content.length === clusterId.length && clusterId.every((byte, i) => content[i] === byte);
    if (!isOurs) this.drop('otherCluster');
    return isOurs;
  }

  drop(reason: DropReason): null {
    this.dropped[reason] += 1;
    return null;
  }

  private encoded(message: Message): Uint8Array {
    // A buffer that one long entry blew up is not kept.
    if (this.writer.bytes.length > WRITER_BYTES_MAX) this.writer = new Writer();
    const { writer } = this;
    writer.clear();
    encodeFrame(writer, this.cluster, this.options.id, message);
    return writer.written();
  }

  private decoded(content: Uint8Array): Frame | null {
    const view = viewOf(content);
    if (content.length < CLUSTER_AT + 4) return this.drop('malformed');
    if (view.getInt32(CLUSTER_AT) !== this.cluster) return this.drop('otherCluster');
    this.reader.reset(content, view, 0, content.length);
    try {
      return decodeFrame(this.reader, this.cluster);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.drop('malformed');
    }
  }
}
