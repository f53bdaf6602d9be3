import fc from 'fast-check';
import { utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { Op } from '../../protocol/constants.ts';
import { CommandFlag, CommandKind } from '../command.ts';
import { withIdentities } from '../ensemble-commands.ts';
import { hashBytes, LANE_LOW } from '../hash.ts';
import { Identities } from '../identities.ts';
import { commandOf, encodePlain, type Intent, intent } from './arbitraries.ts';
import { encodeCommand, identityOf, openingBody } from './commands.ts';
import type { Harness, Result } from './harness.ts';
import { Model } from './model.ts';

const SEED = 20_261_125;
const COMMANDS = 400;
const EVERY = 40;

/** Commands of every kind and the odd one that is refused, from one seed, for a new golden log. */
export function goldenCommands(): Uint8Array[] {
  const model = new Model();
  const log: Uint8Array[] = [];
  const intents = fc.sample(intent, { seed: SEED, numRuns: COMMANDS });
  const openings = [1, 2, 3].map((session): Intent => {
    const [any] = intents as [Intent];
    return { ...any, kind: CommandKind.openSession, session, goodPassword: true };
  });
  for (const intended of [...openings, ...intents]) {
    const command = commandOf(intended, model);
    model.apply(command);
    log.push(encodePlain(command));
    if (log.length % EVERY === 0) log.push(...membershipCommands(log.length));
  }
  return log;
}

/** Under a session of their own, so that the others' numbers stay what the model says. */
function membershipCommands(low: number): Uint8Array[] {
  const session = { high: 0x0100_0001, low };
  const opening = openingBody(10_000, utf8Encode('hash'));
  const change = reconfigBody('server.5=zk5:2888:3888;2181', '4', 5);
  const replace = reconfigBody('replace.3', null, 3);
  const identities = new Identities([{ scheme: 'super', id: '' }]);
  const flags = CommandFlag.reconfigEnabled | CommandFlag.standaloneEnabled;
  const write = { kind: CommandKind.write, opcode: Op.reconfig, ...session, generation: 1 };
  return [
    encodeCommand({ kind: CommandKind.openSession, ...session, body: opening }),
    encodeCommand({ ...write, sequence: 1, identities, flags, body: change }),
    encodeCommand({ ...write, sequence: 2, identities, body: replace }),
  ];
}

function reconfigBody(joining: string, leaving: string | null, id: number): Uint8Array {
  const request = new Writer();
  request.ustring(joining);
  request.ustring(leaving);
  request.ustring(null);
  request.i64(-1);
  return withIdentities(request.written(), new Map([[id, identityOf(id + 100)]]));
}

/** One line a command: the command in hex, the digest behind it, a hash of the outcome. */
export function goldenLine(harness: Harness, bytes: Uint8Array): string {
  const result = harness.apply(bytes);
  return `${toHex(bytes)} ${harness.digest} ${outcomeHash(result)}`;
}

function outcomeHash(result: Result): number {
  const text = JSON.stringify({ ...result, body: toHex(result.body) });
  return hashBytes(LANE_LOW, utf8Encode(text));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
