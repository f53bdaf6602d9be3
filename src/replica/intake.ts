import type { Writer } from '../base/writer.ts';
import type { Clock } from '../io/clock.ts';
import { Op } from '../protocol/constants.ts';
import { COMMAND_HEADER_BYTES, CommandHeader, CommandKind } from '../state/command.ts';
import { Identities } from '../state/identities.ts';
import { Batches } from './batches.ts';

/** Where the header of a command holds what the leader stamps. */
const FLAGS_AT = 2;
const OPCODE_AT = 4;
const TIME_AT = 32;
const LENGTH_BYTES = 4;

/** Commands that a replica sent to the leader. */
interface Arrival {
  readonly origin: number;
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly to: number;
  /** What is before has been taken. */
  at: number;
}

/** A command that has to have a slot of its own. */
export interface Solitary {
  readonly bytes: Uint8Array;
}

/**
 * The leader's side of every outbox, its own included: chunks become batches. It stamps what the
 * leader decides, time and configuration, and nothing else is changed.
 */
export class Intake {
  private readonly clock: Clock;
  private readonly flags: number;
  private readonly batches = new Batches();
  private readonly header = new CommandHeader();
  private arrivals: Arrival[] = [];
  private bytesWaiting = 0;
  /** What comes behind waits until this one has been dealt with. */
  private held: Solitary | null = null;

  constructor(clock: Clock, flags: number) {
    this.clock = clock;
    this.flags = flags;
  }

  /** Bytes of commands that have no slot yet. */
  get pendingBytes(): number {
    return this.batches.pendingBytes + this.bytesWaiting;
  }

  /** A reconfiguration that waits for a slot of its own; ask when `take` has no more. */
  get solitary(): Solitary | null {
    return this.held;
  }

  /**
   * Takes a chunk; the bytes must not change until it has been given out or `forget`. False if
   * they are no commands, or such as only a leader may propose.
   */
  arrive(
    origin: number,
    number: number,
    bytes: Uint8Array,
    view: DataView,
    from: number,
    to: number,
  ): boolean {
    if (!areSubmittable(view, from, to)) return false;
    this.arrivals.push({ origin, number, bytes, view, to, at: from });
    this.bytesWaiting += to - from;
    return true;
  }

  /** The leader's own command: write the body, then call `end`. */
  begin(
    kind: number,
    high: number,
    low: number,
    generation: number,
    sequence = 0,
    opcode = 0,
  ): Writer {
    const { header } = this;
    header.kind = kind;
    header.opcode = opcode;
    header.cxid = 0;
    header.sessionHigh = high;
    header.sessionLow = low;
    header.generation = generation;
    header.sequence = sequence;
    header.flags = this.flags;
    header.timeMs = this.clock.wallMs();
    const writer = this.batches.open();
    header.encode(writer, Identities.none.encoded);
    return writer;
  }

  end(): void {
    this.batches.close();
  }

  /** The next batch, or null; give it back with `release`. */
  take(): Writer | null {
    this.fill();
    return this.batches.take();
  }

  release(batch: Writer): void {
    this.batches.release(batch);
  }

  /** The solitary command has been dealt with. */
  resume(): void {
    this.held = null;
  }

  /**
   * Everything that `origin` had sent up to this chunk has been applied: what is still here of it
   * was sent again. It must go before its bytes do. With a chunk that this replica had proposed as
   * the leader before, lost, and led again, the chunk is here for the second time when the first is
   * decided by what the others promised; the outbox then gives its buffer to the next commands, and
   * what this one would take from it later begins anywhere in the middle of them.
   */
  forget(origin: number, number: number): void {
    const { arrivals } = this;
    const last = arrivals.findIndex((one) => one.origin === origin && one.number === number);
    this.arrivals = arrivals.filter((one, i) => {
      if (one.origin !== origin || i > last) return true;
      this.bytesWaiting -= one.to - one.at;
      return false;
    });
  }

  /** This replica leads no more: those who sent will send again to whoever does. */
  clear(): void {
    this.arrivals = [];
    this.bytesWaiting = 0;
    this.held = null;
    this.batches.clear();
  }

  private fill(): void {
    while (this.held === null) {
      const arrival = this.arrivals[0];
      if (arrival === undefined) return;
      if (arrival.at < arrival.to) this.copy(arrival);
      // The mark says that all of the chunk was applied before it: what is held is part of it.
      if (this.held !== null || arrival.at < arrival.to) continue;
      this.arrivals.shift();
      this.begin(CommandKind.mark, arrival.origin, 0, 0, arrival.number);
      this.end();
    }
  }

  /** Copies up to the next solitary command, or holds that if it comes first. */
  private copy(arrival: Arrival): void {
    const { bytes, view, at, to } = arrival;
    let taken = 0;
    if (view.getInt32(at + LENGTH_BYTES + OPCODE_AT) === Op.reconfig) {
      taken = LENGTH_BYTES + view.getInt32(at);
      this.held = { bytes: this.stampedCopy(bytes.subarray(at, at + taken)) };
    } else {
      taken = this.stamp(this.batches.add(bytes, at, to), to - at);
    }
    arrival.at += taken;
    this.bytesWaiting -= taken;
  }

  private stampedCopy(command: Uint8Array): Uint8Array {
    const copy = command.slice();
    const view = new DataView(copy.buffer);
    view.setUint16(LENGTH_BYTES + FLAGS_AT, this.flags);
    view.setFloat64(LENGTH_BYTES + TIME_AT, this.clock.wallMs());
    return copy;
  }

  /**
   * Stamps the commands in the last `length` bytes written, up to one that has to be solitary: that
   * one and what is behind it are taken back. Returns how many bytes stay.
   */
  private stamp(writer: Writer, length: number): number {
    const { view, at: end } = writer;
    const { flags } = this;
    const timeMs = this.clock.wallMs();
    const from = end - length;
    let at = from;
    while (at < end) {
      const command = at + LENGTH_BYTES;
      if (view.getInt32(command + OPCODE_AT) === Op.reconfig) break;
      view.setUint16(command + FLAGS_AT, flags);
      view.setFloat64(command + TIME_AT, timeMs);
      at = command + view.getInt32(at);
    }
    writer.at = at;
    return at - from;
  }
}

/** Whether the bytes are whole commands, all of kinds that come from clients. */
export function areSubmittable(view: DataView, from: number, to: number): boolean {
  let at = from;
  while (to - at >= LENGTH_BYTES + COMMAND_HEADER_BYTES) {
    const length = view.getInt32(at);
    const kind = view.getUint8(at + LENGTH_BYTES);
    if (length < COMMAND_HEADER_BYTES || length > to - at - LENGTH_BYTES) return false;
    if (!SUBMITTABLE.includes(kind)) return false;
    at += LENGTH_BYTES + length;
  }
  return at === to;
}

const SUBMITTABLE: readonly number[] = [
  CommandKind.openSession,
  CommandKind.attachSession,
  CommandKind.write,
  CommandKind.reject,
];
