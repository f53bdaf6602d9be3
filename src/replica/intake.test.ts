import { describe, expect, it } from 'vitest';
import { viewOf } from '../base/bytes.ts';
import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { Op } from '../protocol/constants.ts';
import { SimClock } from '../sim/clock.ts';
import { CommandFlag, CommandHeader, CommandKind } from '../state/command.ts';
import { type CommandInput, encodeCommand } from '../state/testing/commands.ts';
import { Intake } from './intake.ts';

const FLAGS = CommandFlag.enforceQuota | CommandFlag.skipACL;

function intakeAt(wallMs = 5_000): Intake {
  return new Intake(new SimClock(wallMs), FLAGS);
}

function chunkOf(...commands: CommandInput[]): Uint8Array {
  const writer = new Writer();
  for (const command of commands) writer.buffer(encodeCommand(command));
  return writer.written().slice();
}

function write(sequence: number, opcode: number = Op.create): CommandInput {
  return { kind: CommandKind.write, opcode, high: 1, low: 2, generation: 1, sequence };
}

function arrive(intake: Intake, origin: number, number: number, bytes: Uint8Array): boolean {
  return intake.arrive(origin, number, bytes, viewOf(bytes), 0, bytes.length);
}

/** The headers of the commands of one batch, as plain values. */
function headers(bytes: Uint8Array): CommandHeader[] {
  const reader = new Reader(bytes);
  const list: CommandHeader[] = [];
  while (reader.remaining > 0) {
    const length = reader.i32();
    const header = new CommandHeader();
    header.decode(new Reader(reader.bytes.subarray(reader.at, reader.at + length)));
    list.push(header);
    reader.skip(length);
  }
  return list;
}

function taken(intake: Intake): CommandHeader[] {
  const batch = intake.take();
  return batch === null ? [] : headers(batch.written().slice());
}

/** Kinds of what is taken, and a number that tells them apart. */
function told(intake: Intake): [number, number][] {
  return taken(intake).map(({ kind, sequence }) => [kind, sequence]);
}

describe('what arrives at the leader', () => {
  it('gets time and configuration of the leader, and a mark behind each chunk', () => {
    const intake = intakeAt();
    arrive(intake, 3, 77, chunkOf({ ...write(1), timeMs: 1, flags: 128 }, write(2)));
    const commands = taken(intake);
    expect(commands.map(({ timeMs, flags }) => [timeMs, flags])).toEqual([
      [5_000, FLAGS],
      [5_000, FLAGS],
      [5_000, FLAGS],
    ]);
    const [first, , mark] = commands;
    expect([first?.sessionHigh, first?.sessionLow, first?.generation]).toEqual([1, 2, 1]);
    expect([mark?.kind, mark?.sessionHigh, mark?.sequence]).toEqual([CommandKind.mark, 3, 77]);
  });

  it('keeps its order, chunk by chunk, and is counted until it is taken', () => {
    const intake = intakeAt();
    const chunk = chunkOf(write(1));
    arrive(intake, 2, 5, chunk);
    arrive(intake, 3, 9, chunkOf(write(1), write(2)));
    expect(intake.pendingBytes).toBe(3 * chunk.length);
    const { write: w, mark: m } = CommandKind;
    expect(told(intake)).toEqual([
      [w, 1],
      [m, 5],
      [w, 1],
      [w, 2],
      [m, 9],
    ]);
    expect(intake.pendingBytes).toBe(0);
  });

  it('is refused unless it consists of whole commands that clients can cause', () => {
    const intake = intakeAt();
    const good = chunkOf(write(1));
    const longer = good.slice();
    longer[3] = (longer[3] as number) + 1;
    const bad = [
      good.subarray(0, good.length - 1),
      Uint8Array.from([...good, 0]),
      longer,
      new Uint8Array(4).fill(255),
      chunkOf(write(1), { kind: CommandKind.expireSession, high: 1, low: 2 }),
      chunkOf({ kind: CommandKind.genesis }),
      chunkOf({ kind: CommandKind.mark, high: 2, sequence: 4 }),
      chunkOf({ kind: CommandKind.sessionAges }),
    ];
    for (const bytes of bad) expect(arrive(intake, 2, 1, bytes)).toBe(false);
    expect([intake.pendingBytes, intake.take()]).toEqual([0, null]);
    expect(arrive(intake, 2, 1, good)).toBe(true);
  });

  it('stops at a reconfiguration, which gets a slot of its own, until that was dealt with', () => {
    const intake = intakeAt();
    arrive(intake, 2, 5, chunkOf(write(1), write(2, Op.reconfig), write(3)));
    arrive(intake, 3, 6, chunkOf(write(1)));
    const { write: w, mark: m } = CommandKind;
    expect(told(intake)).toEqual([[w, 1]]);
    expect(told(intake)).toEqual([]);
    const [solitary] = headers(intake.solitary?.bytes ?? new Uint8Array(0));
    expect([solitary?.opcode, solitary?.flags, solitary?.timeMs]).toEqual([
      Op.reconfig,
      FLAGS,
      5_000,
    ]);
    expect(intake.pendingBytes).toBeGreaterThan(0);
    intake.resume();
    expect(told(intake)).toEqual([
      [w, 3],
      [m, 5],
      [w, 1],
      [m, 6],
    ]);
  });

  it('has its mark behind a reconfiguration that ends it, so that this is not lost with a leader', () => {
    const intake = intakeAt();
    arrive(intake, 2, 5, chunkOf(write(1), write(2, Op.reconfig)));
    expect(told(intake)).toEqual([[CommandKind.write, 1]]);
    expect(told(intake)).toEqual([]);
    intake.resume();
    expect(told(intake)).toEqual([[CommandKind.mark, 5]]);
  });

  it('lets commands of the leader itself pass a reconfiguration that waits', () => {
    const intake = intakeAt();
    arrive(intake, 2, 5, chunkOf(write(1, Op.reconfig)));
    expect(told(intake)).toEqual([]);
    intake.begin(CommandKind.expireSession, 1, 2, 3, 0, Op.closeSession);
    intake.end();
    const [command] = taken(intake);
    expect([command?.kind, command?.generation, command?.timeMs, command?.flags]).toEqual([
      CommandKind.expireSession,
      3,
      5_000,
      FLAGS,
    ]);
  });

  it('is forgotten up to the chunk that is known to be applied, and only that of its sender', () => {
    const intake = intakeAt();
    for (const number of [5, 6, 7]) arrive(intake, 2, number, chunkOf(write(number)));
    arrive(intake, 3, 6, chunkOf(write(1)));
    intake.forget(2, 9);
    intake.forget(1, 6);
    expect(intake.pendingBytes).toBe(4 * chunkOf(write(1)).length);
    intake.forget(2, 6);
    const { write: w, mark: m } = CommandKind;
    expect(told(intake)).toEqual([
      [w, 7],
      [m, 7],
      [w, 1],
      [m, 6],
    ]);
    expect(intake.pendingBytes).toBe(0);
  });

  it('is forgotten as a whole by one who leads no more', () => {
    const intake = intakeAt();
    arrive(intake, 2, 5, chunkOf(write(1), write(2, Op.reconfig), write(3)));
    intake.take();
    intake.begin(CommandKind.expireSession, 1, 2, 3);
    intake.end();
    intake.clear();
    expect([intake.pendingBytes, intake.solitary, intake.take()]).toEqual([0, null, null]);
  });
});
