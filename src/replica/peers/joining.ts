import { DecodeError, type Reader } from '../../base/reader.ts';
import type { Writer } from '../../base/writer.ts';
import type { Clock } from '../../io/clock.ts';
import type { Peer } from '../../io/network.ts';
import { type NamedServer, parseEnsemble } from '../../protocol/ensemble-text.ts';
import { dial } from './dial.ts';
import { takeBytes } from './fields.ts';
import { type FrameStream, FrameType } from './frames.ts';
import { ANYBODY, type Hello, ID_BYTES, Purpose } from './hello.ts';
import type { PeerIo, PeerListener } from './listener.ts';

const ASK_EVERY_MS = 500;
const SAY_EVERY_ROUNDS = 4;

/** What a member tells of its ensemble. */
export interface JoiningNote {
  readonly clusterId: Uint8Array;
  /** Who wrote slot 1. */
  readonly founder: number;
  /** The members, as /zookeeper/config has them. */
  readonly membershipText: string;
  /** The body of slot 1; null once it has been trimmed. */
  readonly genesis: Uint8Array | null;
}

/** The same, understood. */
export interface FoundEnsemble extends Omit<JoiningNote, 'membershipText'> {
  readonly servers: readonly NamedServer[];
}

/** Answers whoever asks where this is. */
export function serveJoining(listener: PeerListener, note: () => JoiningNote): void {
  listener.serve(Purpose.joining, (_hello, frames) => {
    encodeNote(frames.begin(FrameType.joining), note());
    frames.end();
    frames.finish();
    return { onFrame: () => {}, onClose: () => {} };
  });
}

export interface JoiningOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  /** Members, or some that were once. */
  readonly addresses: readonly Peer[];
  readonly hello: Omit<Hello, 'purpose' | 'toServerId' | 'clusterId'>;
}

/** Asks all addresses, again and again, until somebody there belongs to an ensemble and says so. */
export class Joining {
  private readonly options: JoiningOptions;
  private readonly asking = new Map<string, () => void>();
  /** Why each address did not help, the last time. */
  private readonly reasons = new Map<string, string>();
  private rounds = 0;
  private stopAsking: () => void = () => {};
  private settle: (found: FoundEnsemble) => void = () => {};

  constructor(options: JoiningOptions) {
    this.options = options;
  }

  async find(): Promise<FoundEnsemble> {
    const { clock } = this.options;
    const found = await new Promise<FoundEnsemble>((resolve) => {
      this.settle = resolve;
      this.stopAsking = clock.every(ASK_EVERY_MS, () => this.ask());
      this.ask();
    });
    this.stop();
    return found;
  }

  stop(): void {
    this.stopAsking();
    this.giveUp();
  }

  private giveUp(): void {
    for (const end of [...this.asking.values()]) end();
    this.asking.clear();
  }

  private ask(): void {
    if (++this.rounds % SAY_EVERY_ROUNDS === 0) {
      // Somebody who takes the connection and says nothing may be another service altogether.
      this.giveUp();
      const waitsFor = Object.fromEntries(this.reasons);
      this.options.io.logger.info({ asked: waitsFor }, 'found no ensemble to join yet');
    }
    for (const address of this.options.addresses) {
      const key = `${address.host}:${address.port}`;
      if (!this.asking.has(key)) this.askOne(key, address);
    }
  }

  private askOne(key: string, address: Peer): void {
    const { io, clock, hello } = this.options;
    const greeting = { ...hello, purpose: Purpose.joining, clusterId: null, toServerId: ANYBODY };
    const over = (): void => {
      this.asking.delete(key);
    };
    this.reasons.set(key, 'does not answer');
    const end = dial(
      io,
      clock,
      address,
      greeting,
      (frames) => this.answer(key, frames, over),
      over,
    );
    this.asking.set(key, end);
  }

  private answer(key: string, frames: FrameStream, over: () => void) {
    return {
      onFrame: (type: number, payload: Reader): void => {
        if (type === FrameType.refused) this.reasons.set(key, payload.ustring() ?? '');
        else if (type === FrameType.joining) this.settle(decodeNote(payload));
        frames.destroy();
      },
      onClose: over,
    };
  }
}

/** `clusterId:16 founder:i32 members:ustring genesis:buffer` */
function encodeNote(writer: Writer, note: JoiningNote): void {
  writer.raw(note.clusterId);
  writer.i32(note.founder);
  writer.ustring(note.membershipText);
  writer.buffer(note.genesis);
}

function decodeNote(reader: Reader): FoundEnsemble {
  const clusterId = takeBytes(reader, ID_BYTES).slice();
  const founder = reader.i32();
  const servers = serversIn(reader.ustring() ?? '');
  return { clusterId, founder, servers, genesis: reader.buffer() };
}

function serversIn(membershipText: string): readonly NamedServer[] {
  const entries = membershipText.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf('=');
    return line.startsWith('version=') || at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
  });
  const parsed = parseEnsemble(entries);
  if ('key' in parsed) throw new DecodeError(`${parsed.key} ${parsed.message}`);
  return parsed.servers;
}
