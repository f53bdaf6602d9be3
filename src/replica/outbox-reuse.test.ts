import { expect, test } from 'vitest';
import type { Writer } from '../base/writer.ts';
import { type Chunk, Outbox } from './outbox.ts';

function submit(outbox: Outbox, value: number): void {
  outbox.open().i32(value);
  outbox.close();
}

function take(outbox: Outbox): Chunk {
  const chunk = outbox.next();
  if (chunk === null) throw new Error('no chunk');
  return chunk;
}

function valueIn(commands: Writer): number {
  return commands.view.getInt32(4);
}

test('a chunk sent again keeps its bytes after its first copy was applied: the intake refers to them', () => {
  const outbox = new Outbox(100);
  submit(outbox, 1);
  const first = take(outbox);
  outbox.rewind();
  const again = take(outbox);
  expect(again.number).toBe(first.number);
  outbox.release(first.number);
  submit(outbox, 2);
  take(outbox);
  submit(outbox, 3);
  expect(valueIn(again.commands)).toBe(1);
});

test('the buffer of a chunk that was sent once serves again', () => {
  const outbox = new Outbox(100);
  submit(outbox, 1);
  const first = take(outbox);
  outbox.release(first.number);
  submit(outbox, 2);
  take(outbox);
  submit(outbox, 3);
  expect(take(outbox).commands).toBe(first.commands);
});

test('chunks behind those that were sent again serve again', () => {
  const outbox = new Outbox(100);
  submit(outbox, 1);
  take(outbox);
  outbox.rewind();
  take(outbox);
  submit(outbox, 2);
  const second = take(outbox);
  outbox.release(second.number);
  submit(outbox, 3);
  take(outbox);
  submit(outbox, 4);
  expect(take(outbox).commands).toBe(second.commands);
});

test('a chunk that was sent before the last rewind but one is still known as repeated', () => {
  const outbox = new Outbox(100);
  submit(outbox, 1);
  take(outbox);
  submit(outbox, 2);
  const second = take(outbox);
  outbox.rewind();
  take(outbox);
  outbox.rewind();
  take(outbox);
  take(outbox);
  outbox.release(second.number);
  submit(outbox, 3);
  take(outbox);
  submit(outbox, 4);
  take(outbox);
  submit(outbox, 5);
  expect(valueIn(second.commands)).toBe(2);
});
