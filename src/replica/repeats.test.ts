import { expect, it } from 'vitest';
import { Writer } from '../base/writer.ts';
import { TestServer } from '../server/test-server.test-helper.ts';
import { CommandKind } from '../state/command.ts';
import { encodeCommand, openingBody } from '../state/testing/commands.ts';

it('an opening that is sent again to a new leader leaves the clock of its session alone', () => {
  const server = new TestServer();
  const { replica, clock, state } = server;
  clock.settle();
  const body = openingBody(10_000, new Uint8Array(32));
  const command = encodeCommand({ kind: CommandKind.openSession, high: 7, low: 8, body });
  const chunk = new Writer();
  chunk.buffer(command);
  for (const number of [1, 2]) {
    const bytes = chunk.written().slice();
    expect(replica.onForward(2, replica.paxos.ballot, number, bytes)).toBe(true);
    clock.advance(100);
    expect(replica.expiry.get(7, 8)?.timeoutMs).toBe(10_000);
  }
  clock.advance(9_000);
  expect(state.sessions.get(7, 8)).toBeDefined();
  clock.advance(4_000);
  expect(state.sessions.get(7, 8)).toBeUndefined();
});
