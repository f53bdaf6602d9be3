import { viewOf } from '../../base/bytes.ts';
import { Reader } from '../../base/reader.ts';
import { utf8Decode, utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { decodeRecord } from '../../protocol/codec.ts';
import { Op } from '../../protocol/constants.ts';
import type { RecordName, RecordOf, Stat } from '../../protocol/records.ts';
import { CommandFlag, CommandKind } from '../command.ts';
import { Identities } from '../identities.ts';
import { StateLoader } from '../loader.ts';
import type { Outcome } from '../outcome.ts';
import type { Asker } from '../query.ts';
import { State } from '../state.ts';
import {
  type CommandInput,
  type Entry,
  encodeCommand,
  encodeWrite,
  openingBody,
  reapCommand,
  rejectBody,
  type Write,
} from './commands.ts';

/** No ACL is looked at. */
const ANYONE: Asker = { identities: Identities.none, flags: CommandFlag.skipACL };

const SEED = [0x1234, 0x5678] as const;
const PASSWORD_HASH = utf8Encode('hash');

/** What a test keeps of an outcome; the outcome itself is reused by the state. */
export interface Result {
  readonly verdict: number;
  readonly error: number;
  readonly zxid: number;
  readonly generation: number;
  readonly timeoutMs: number;
  readonly closedSession: boolean;
  readonly body: Uint8Array;
  /** `created /a`, `deleted /a`, `changed /a`. */
  readonly changes: readonly string[];
}

const CHANGE_NAMES = ['', 'created', 'deleted', 'changed'];

export function resultOf(outcome: Outcome): Result {
  const { changes } = outcome;
  const texts: string[] = [];
  for (let i = 0; i < changes.count; i++) {
    const path = utf8Decode(
      changes.paths.bytes,
      changes.pathFrom[i] as number,
      changes.pathTo[i] as number,
    );
    texts.push(`${CHANGE_NAMES[changes.kind[i] as number]} ${path}`);
  }
  return {
    verdict: outcome.verdict,
    error: outcome.error,
    zxid: outcome.zxid,
    generation: outcome.generation,
    timeoutMs: outcome.timeoutMs,
    closedSession: outcome.closedSession,
    body: outcome.body.written().slice(),
    changes: texts,
  };
}

/** One session as its connection sees it: who it is, and how many writes it has sent. */
export class Client {
  readonly high = 0x0100_0001;
  readonly low: number;
  generation = 0;
  sequence = 0;
  identities: Identities = Identities.none;
  private readonly harness: Harness;

  constructor(harness: Harness, low: number) {
    this.harness = harness;
    this.low = low;
  }

  send(write: Write): Result {
    this.sequence++;
    return this.resend(write);
  }

  /** Sends under the number that was used last. */
  resend(write: Write): Result {
    return this.harness.command({
      kind: CommandKind.write,
      opcode: write.opcode,
      ...this.stamp(),
      body: encodeWrite(write),
    });
  }

  reject(opcode: number, code: number): Result {
    this.sequence++;
    const body = rejectBody(code);
    return this.harness.command({ kind: CommandKind.reject, opcode, ...this.stamp(), body });
  }

  private stamp(): Partial<CommandInput> {
    const { high, low, generation, sequence, identities } = this;
    return { high, low, generation, sequence, identities };
  }

  attach(timeoutMs = 20_000, hash: Uint8Array = PASSWORD_HASH): Result {
    const body = openingBody(timeoutMs, hash);
    const { high, low, generation } = this;
    const kind = CommandKind.attachSession;
    const result = this.harness.command({ kind, high, low, generation, body });
    if (result.error === 0) {
      this.generation = result.generation;
      this.sequence = 0;
    }
    return result;
  }

  expire(generation: number = this.generation): Result {
    const { high, low } = this;
    return this.harness.command({ kind: CommandKind.expireSession, high, low, generation });
  }

  close(): Result {
    return this.send({ opcode: Op.closeSession });
  }

  create(path: string, data: string | null = '', flags = 0, acl?: readonly Entry[]): Result {
    return this.send({ opcode: Op.create2, path, data, flags, ...(acl && { acl }) });
  }

  delete(path: string, version = -1): Result {
    return this.send({ opcode: Op.delete, path, version });
  }

  setData(path: string, data: string | null, version = -1): Result {
    return this.send({ opcode: Op.setData, path, data, version });
  }

  setACL(path: string, acl: readonly Entry[] | null, version = -1): Result {
    return this.send({ opcode: Op.setACL, path, acl, version });
  }

  multi(...ops: Write[]): Result {
    return this.send({ opcode: Op.multi, ops });
  }
}

/** A state, the leader's clock and flags, and clients. */
export class Harness {
  state: State;
  flags = 0;
  timeMs = 1_000;
  private clients = 0;
  private readonly reader = new Reader();

  constructor(state: State = new State({ seed: SEED })) {
    this.state = state;
  }

  command(input: CommandInput): Result {
    return this.apply(encodeCommand({ flags: this.flags, timeMs: this.timeMs, ...input }));
  }

  apply(bytes: Uint8Array): Result {
    this.reader.reset(bytes, viewOf(bytes), 0, bytes.length);
    return resultOf(this.state.apply(this.reader));
  }

  open(timeoutMs = 10_000, hash: Uint8Array = PASSWORD_HASH): Client {
    const client = new Client(this, ++this.clients);
    const { high, low } = client;
    const body = openingBody(timeoutMs, hash);
    const { generation } = this.command({ kind: CommandKind.openSession, high, low, body });
    client.generation = generation;
    return client;
  }

  reap(path: string): Result {
    return this.apply(reapCommand(path, this.timeMs));
  }

  stat(path: string): Stat | null {
    const bytes = utf8Encode(path);
    const out = new Writer();
    const error = this.state.query.exists(bytes, 0, bytes.length, ANYONE, out);
    return error === 0 ? decodeRecord(new Reader(out.written()), 'Stat') : null;
  }

  /** A znode's data as text, null for null; undefined if there is no such znode. */
  data(path: string): string | null | undefined {
    const bytes = utf8Encode(path);
    const out = new Writer();
    const error = this.state.query.getData(bytes, 0, bytes.length, ANYONE, out);
    return error === 0 ? new Reader(out.written()).ustring() : undefined;
  }

  children(path: string): string[] {
    const bytes = utf8Encode(path);
    const out = new Writer();
    this.state.query.getChildren(bytes, 0, bytes.length, ANYONE, out);
    const { children } = decode(out.written(), 'GetChildrenResponse');
    return [...(children ?? [])].map(String).sort();
  }

  get digest(): string {
    return `${this.state.digestHigh}:${this.state.digestLow}`;
  }
}

export function decode<N extends RecordName>(bytes: Uint8Array, name: N): RecordOf<N> {
  return decodeRecord(new Reader(bytes), name);
}

/** A copy of the state by way of an image in slices of about `sliceBytes`. */
export function copyByImage(state: State, sliceBytes = 4_096): State {
  const image = state.beginImage();
  const loader = new StateLoader({ seed: SEED });
  for (let slice = image.next(sliceBytes); slice !== null; slice = image.next(sliceBytes)) {
    loader.accept(slice.slice());
  }
  return loader.finish();
}
