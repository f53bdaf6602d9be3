import { DecodeError, type Reader } from '../../base/reader.ts';
import type { Writer } from '../../base/writer.ts';
import type { Clock } from '../../io/clock.ts';
import type { Peer } from '../../io/network.ts';
import { dial } from './dial.ts';
import { FrameType } from './frames.ts';
import { type Hello, ID_BYTES, Purpose, takeId } from './hello.ts';
import type { PeerIo, PeerListener } from './listener.ts';
import type { PeerAddress } from './peers.ts';

const ASK_EVERY_MS = 200;
/** What was heard longer ago may no longer hold. */
const NOTE_MS_MAX = 2_000;
/** Servers that are started together need not hear of each other's absence. */
const SAY_EVERY_ROUNDS = 10;

/** Who bears an id in an ensemble that exists. */
export interface KnownMember {
  readonly serverId: number;
  readonly identity: Uint8Array;
  readonly isVoter: boolean;
}

/** What a replica says of its ensemble to one that asks. */
export interface FoundingNote {
  readonly identity: Uint8Array;
  /** The ensemble that it would found, as its configuration files have it. */
  readonly text: string;
  /** Null while there is no ensemble. */
  readonly ensemble: Ensemble | null;
}

export interface Ensemble {
  readonly clusterId: Uint8Array;
  readonly members: readonly KnownMember[];
  /** The body of slot 1; null once it has been trimmed. */
  readonly genesis: Uint8Array | null;
  readonly founder: number;
}

/** How a blank replica comes to its ensemble. */
export type Entrance =
  /** It found one: itself included, these are the founders. */
  | { readonly kind: 'found'; readonly identities: ReadonlyMap<number, Uint8Array> }
  | { readonly kind: 'enter'; readonly ensemble: Ensemble; readonly from: number };

/** Another replica bears this one's id: its disk was wiped, or its myid is wrong. */
export class ReplacedError extends Error {
  override readonly name = 'ReplacedError';
}

export interface FoundingOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  readonly listener: PeerListener;
  readonly serverId: number;
  readonly identity: Uint8Array;
  readonly line: string;
  readonly text: string;
  /** Everyone that the configuration files name, this replica included. */
  readonly voters: readonly number[];
  readonly others: readonly PeerAddress[];
}

/**
 * An ensemble forms only when every configured voter is reachable, blank, and would found the same
 * one; the voter with the lowest id then founds it, and the others enter. A blank replica that
 * meets an ensemble enters it if its id is free, or if the ensemble knows it by its identity. If
 * another replica bears its id it must not: what that one promised is not on this disk (rule 22).
 */
export class Founding {
  private readonly options: FoundingOptions;
  private readonly notes = new Map<
    number,
    { readonly note: FoundingNote; readonly heardMs: number }
  >();
  /** What was last said of why there is no ensemble yet. */
  private said = '';
  private rounds = 0;
  private stopAsking: () => void = () => {};
  /** Questions under way, by address. */
  private readonly asking = new Map<string, () => void>();
  private settle: (result: Entrance | ReplacedError) => void = () => {};

  constructor(options: FoundingOptions) {
    this.options = options;
  }

  /** Asks everyone, again and again, until it is clear. */
  async enter(): Promise<Entrance> {
    const { listener, clock, identity, text } = this.options;
    const note = { identity, text, ensemble: null };
    serveFounding(listener, () => note);
    const result = await new Promise<Entrance | ReplacedError>((resolve) => {
      this.settle = resolve;
      this.stopAsking = clock.every(ASK_EVERY_MS, () => this.ask());
      this.ask();
    });
    this.stop();
    if (result instanceof ReplacedError) throw result;
    return result;
  }

  stop(): void {
    this.stopAsking();
    for (const end of this.asking.values()) end();
    this.asking.clear();
  }

  private ask(): void {
    if (++this.rounds % SAY_EVERY_ROUNDS === 0) this.sayWhatLacks();
    for (const other of this.options.others) {
      for (const address of other.addresses) {
        const key = `${other.serverId} ${address.host} ${address.port}`;
        if (!this.asking.has(key)) this.askOne(key, other.serverId, address);
      }
    }
    this.judge();
  }

  private askOne(key: string, toServerId: number, address: Peer): void {
    const { io, clock, serverId, identity, line } = this.options;
    const purpose = Purpose.founding;
    const hello: Hello = { purpose, clusterId: null, serverId, identity, toServerId, line };
    const done = (): void => {
      this.asking.delete(key);
    };
    const handler = {
      onFrame: (type: number, payload: Reader) => {
        if (type === FrameType.founding) this.hear(toServerId, decodeNote(payload));
      },
      onClose: done,
    };
    this.asking.set(
      key,
      dial(io, clock, address, hello, () => handler, done),
    );
  }

  /** Nobody can mend what he is not told. */
  private sayWhatLacks(): void {
    const { io, voters, serverId, text } = this.options;
    const others = voters.filter((id) => id !== serverId);
    const silent = others.filter((id) => !this.notes.has(id));
    const unlike = others.filter((id) => (this.notes.get(id)?.note.text ?? text) !== text);
    const lacks = `${silent};${unlike}`;
    if (lacks === this.said) return;
    this.said = lacks;
    if (silent.length > 0) {
      io.logger.warn({ servers: silent }, 'waits for servers that are not there');
    }
    if (unlike.length > 0) {
      const message = 'other servers have other server lines, groups, weights or quorum sizes';
      io.logger.warn({ servers: unlike, here: text }, message);
    }
  }

  private hear(from: number, note: FoundingNote): void {
    this.notes.set(from, { note, heardMs: this.options.io.nowMs() });
    if (note.ensemble === null) this.judge();
    else this.judgeEnsemble(from, note.ensemble);
  }

  private judgeEnsemble(from: number, ensemble: Ensemble): void {
    const { serverId, identity } = this.options;
    const known = ensemble.members.find((member) => member.serverId === serverId);
    const isOther =
      known?.isVoter === true && !known.identity.every((byte, i) => byte === identity[i]);
    if (isOther) {
      this.settle(
        new ReplacedError(
          `server ${serverId} is blank, but its ensemble knows it as another replica, whose votes ` +
            'are not on this disk: it must not vote in its place. If its disk is lost for good, run ' +
            `"quoll replace ${serverId}" against a server that serves and start this one again`,
        ),
      );
      return;
    }
    this.settle({ kind: 'enter', ensemble, from });
  }

  /** The founder alone acts; the others wait until it has founded, and enter. */
  private judge(): void {
    const { io, voters, serverId, identity, text } = this.options;
    if (serverId !== Math.min(...voters)) return;
    const identities = new Map([[serverId, identity]]);
    for (const id of voters) {
      if (id === serverId) continue;
      const heard = this.notes.get(id);
      if (heard === undefined || io.nowMs() - heard.heardMs > NOTE_MS_MAX) return;
      const { note } = heard;
      if (note.ensemble !== null || note.text !== text) return;
      identities.set(id, note.identity);
    }
    this.settle({ kind: 'found', identities });
  }
}

/** Answers those that ask, with what `note` says at that moment. */
export function serveFounding(
  listener: PeerListener,
  note: () => FoundingNote,
  onStranger: (hello: Hello) => void = () => {},
): void {
  listener.serve(Purpose.founding, (hello, frames) => {
    onStranger(hello);
    encodeNote(frames.begin(FrameType.founding), note());
    frames.end();
    frames.finish();
    return { onFrame: () => {}, onClose: () => {} };
  });
}

/**
 * ```
 * note := identity:16 text:ustring isThere:bool
 *         [clusterId:16 founder:i32 members:i32 (id:i32 identity:16 isVoter:bool)* genesis:buffer]
 * ```
 */
function encodeNote(writer: Writer, note: FoundingNote): void {
  writer.raw(note.identity);
  writer.ustring(note.text);
  writer.bool(note.ensemble !== null);
  if (note.ensemble === null) return;
  const { clusterId, founder, members, genesis } = note.ensemble;
  writer.raw(clusterId);
  writer.i32(founder);
  writer.i32(members.length);
  for (const { serverId, identity, isVoter } of members) {
    writer.i32(serverId);
    writer.raw(identity);
    writer.bool(isVoter);
  }
  writer.buffer(genesis);
}

function decodeNote(reader: Reader): FoundingNote {
  const identity = takeId(reader);
  const text = reader.ustring() ?? '';
  if (!reader.bool()) return { identity, text, ensemble: null };
  const clusterId = takeId(reader);
  const founder = reader.i32();
  const count = reader.i32();
  if (count < 0 || count * (ID_BYTES + 5) > reader.remaining) {
    throw new DecodeError(`${count} members`);
  }
  const members: KnownMember[] = [];
  for (let i = 0; i < count; i++) {
    members.push({ serverId: reader.i32(), identity: takeId(reader), isVoter: reader.bool() });
  }
  return { identity, text, ensemble: { clusterId, founder, members, genesis: reader.buffer() } };
}
