import { assert } from '../base/assert.ts';
import { PairMap } from '../base/pair-map.ts';
import { DecodeError, type Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { finish, hashBytes, LANE_HIGH, LANE_LOW, mix, Sum64 } from './hash.ts';

const GENERATION_MAX = 0x7fff_ffff;
const TWO_32 = 4_294_967_296;
/** So many sessions wait to be counted at most, those among them that are closed by now. */
const UNCOUNTED_MAX = 1024;

/** What all replicas know of a session. When it was last heard of is the leader's concern. */
export interface Session {
  readonly high: number;
  readonly low: number;
  readonly timeoutMs: number;
  readonly passwordHash: Uint8Array;
  /** Counts its attachments, from 1. */
  readonly generation: number;
  /** The last write of this generation that was applied; 0 before the first. */
  readonly sequence: number;
  /** The tree's list of its ephemerals. */
  readonly list: number;
  /** Quarters of its time-out, 0 to 3, for which it had been silent when last told. */
  readonly age: number;
}

class StoredSession implements Session {
  readonly high: number;
  readonly low: number;
  readonly passwordHash: Uint8Array;
  readonly list: number;
  timeoutMs: number;
  generation = 1;
  sequence = 0;
  age = 0;
  /** The image that knows this session's old values already. */
  image = 0;
  /** Whether the digest counts it as it is now. */
  isCounted = false;
  isClosed = false;
  private readonly seedHigh: number;
  private readonly seedLow: number;
  hashHigh = 0;
  hashLow = 0;

  constructor(high: number, low: number, timeoutMs: number, hash: Uint8Array, list: number) {
    this.high = high;
    this.low = low;
    this.timeoutMs = timeoutMs;
    this.passwordHash = hash;
    this.list = list;
    this.seedHigh = mix(mix(hashBytes(LANE_HIGH, hash), high), low);
    this.seedLow = mix(mix(hashBytes(LANE_LOW, hash), high), low);
  }

  rehash(): void {
    this.hashHigh = this.fold(this.seedHigh);
    this.hashLow = this.fold(this.seedLow);
  }

  private fold(seed: number): number {
    // A sequence stays below 2^53, so its upper half leaves the top byte free.
    const upper = Math.floor(this.sequence / TWO_32) | (this.age << 24);
    const counted = mix(mix(seed, this.sequence | 0), upper);
    return finish(mix(mix(counted, this.generation), this.timeoutMs));
  }
}

/**
 * The sessions of the ensemble. Outcomes never depend on the order of iteration: a map restored
 * from an image iterates differently from one that was replayed.
 */
export class Sessions {
  private readonly sum: Sum64 = new Sum64();
  /** Those that `sum` lacks: each write changes its session, and few changes are ever looked at. */
  private uncounted: StoredSession[] = [];
  private readonly byId = new PairMap<StoredSession>();
  private image: SessionsImage | null = null;
  private images = 0;

  /** The sum of the sessions' hashes. */
  get digest(): Sum64 {
    this.count();
    return this.sum;
  }

  get size(): number {
    return this.byId.size;
  }

  get(high: number, low: number): Session | undefined {
    return this.byId.get(high, low);
  }

  values(): IterableIterator<Session> {
    return this.byId.values();
  }

  open(high: number, low: number, timeoutMs: number, hash: Uint8Array, list: number): Session {
    assert(!this.byId.has(high, low), 'a session was opened twice');
    const session = new StoredSession(high, low, timeoutMs, hash, list);
    session.image = this.images;
    this.byId.set(high, low, session);
    this.enter(session);
    return session;
  }

  /** Opens the next generation of a session. */
  attach(session: Session, timeoutMs: number): void {
    const stored = this.leave(session);
    stored.generation = (stored.generation % GENERATION_MAX) + 1;
    stored.sequence = 0;
    stored.age = 0;
    stored.timeoutMs = timeoutMs;
  }

  /** Counts one write. */
  advance(session: Session): void {
    const stored = this.leave(session);
    stored.sequence++;
    stored.age = 0;
  }

  setAge(session: Session, age: number): void {
    this.leave(session).age = age;
  }

  close(session: Session): void {
    this.leave(session).isClosed = true;
    this.byId.delete(session.high, session.low);
  }

  /** One at a time; its slices hold the sessions as they are now. */
  beginImage(): SessionsImage {
    assert(this.image === null, 'a second image of the sessions at the same time');
    this.images++;
    this.image = new SessionsImage(this.images, [...this.byId.values()], () => {
      this.image = null;
    });
    return this.image;
  }

  restore(reader: Reader): void {
    const high = reader.i32();
    const low = reader.i32();
    const timeoutMs = reader.i32();
    const list = reader.i32();
    const generation = reader.i32();
    const sequence = reader.f64();
    const age = reader.u8();
    const hash = reader.buffer();
    if (hash === null || this.byId.has(high, low)) throw new DecodeError('a session twice');
    const session = new StoredSession(high, low, timeoutMs, hash, list);
    session.generation = generation;
    session.sequence = sequence;
    session.age = age;
    this.byId.set(high, low, session);
    this.enter(session);
  }

  /** Puts off counting a session, which is not counted now. */
  private enter(session: StoredSession): void {
    session.isCounted = false;
    this.uncounted.push(session);
  }

  private count(): void {
    for (const session of this.uncounted) {
      if (session.isClosed) continue;
      session.rehash();
      this.sum.add(session.hashHigh, session.hashLow);
      session.isCounted = true;
    }
    this.uncounted = [];
  }

  /** To be called before any change: the image must see the old values, the digest loses them. */
  private leave(session: Session): StoredSession {
    const stored = session as StoredSession;
    this.image?.keep(stored);
    if (this.uncounted.length >= UNCOUNTED_MAX) this.count();
    if (!stored.isCounted) return stored;
    this.sum.subtract(stored.hashHigh, stored.hashLow);
    this.enter(stored);
    return stored;
  }
}

/**
 * The sessions of one moment, written in slices while they go on changing: a session is encoded
 * either in its turn or, before that, at its first change. Their order means nothing.
 */
export class SessionsImage {
  private readonly number: number;
  private readonly sessions: readonly StoredSession[];
  private readonly onEnd: () => void;
  private readonly writer = new Writer(65_536);
  private at = 0;

  constructor(number: number, sessions: readonly StoredSession[], onEnd: () => void) {
    this.number = number;
    this.sessions = sessions;
    this.onEnd = onEnd;
  }

  get count(): number {
    return this.sessions.length;
  }

  keep(session: StoredSession): void {
    if (session.image === this.number) return;
    session.image = this.number;
    const { writer } = this;
    writer.i32(session.high);
    writer.i32(session.low);
    writer.i32(session.timeoutMs);
    writer.i32(session.list);
    writer.i32(session.generation);
    writer.f64(session.sequence);
    writer.u8(session.age);
    writer.buffer(session.passwordHash);
  }

  /** About `maxBytes` of whole sessions, or null when all are written. */
  next(maxBytes: number): Uint8Array | null {
    const { writer, sessions } = this;
    while (writer.at < maxBytes && this.at < sessions.length) {
      this.keep(sessions[this.at++] as StoredSession);
    }
    if (writer.at === 0) {
      this.end();
      return null;
    }
    const slice = writer.written().slice();
    writer.clear();
    return slice;
  }

  end(): void {
    this.at = this.sessions.length;
    this.writer.clear();
    this.onEnd();
  }
}
