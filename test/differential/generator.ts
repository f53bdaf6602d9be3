import { JUTE_MAXBUFFER_DEFAULT } from '../../src/base/limits.ts';
import { utf8Encode } from '../../src/base/utf8.ts';
import { Writer } from '../../src/base/writer.ts';
import { encodeRecord } from '../../src/protocol/codec.ts';
import { Op as Opcode, Xid } from '../../src/protocol/constants.ts';
import { creation, quotaOps, quotaStart } from './quotas.ts';
import { Random } from './random.ts';
import { encodeBody, type Group, type Made, randomRequest } from './requests.ts';
import type { Episode, Handshake, Op, Step } from './steps.ts';
import * as vocabulary from './vocabulary.ts';

/**
 * Makes the episodes of lock-step mode: several connections take turns, and each step is answered
 * before the next. It knows which connections are open and which sessions live, nothing more.
 */

const SLOTS = 3;
/** Of a request: xid and type. */
const HEADER_BYTES = 8;

/** Opcodes that the protocol does not know, or not outside a multi. */
const UNKNOWN = [0, 10, 13, 23, 50, 99, 108, -1, -2, -12, 2147483647, -2147483648];

interface Slot {
  session: number;
  open: boolean;
  xid: number;
}

export function generateEpisode(
  seed: number,
  root: string,
  avoid: ReadonlySet<vocabulary.Avoidable>,
): Episode {
  return { seed, root, steps: new Generator(seed, root, avoid).steps() };
}

class Generator {
  private readonly random: Random;
  private readonly place: vocabulary.Place;
  private readonly slots: Slot[] = [];
  /** Sessions that were opened, in order, and whether they were closed since. */
  private readonly alive = new Map<number, boolean>();
  private readonly out: Step[] = [];
  private readonly quotas: boolean;
  private nextId = 1;
  private written = 0;

  constructor(seed: number, root: string, avoid: ReadonlySet<vocabulary.Avoidable>) {
    this.random = new Random(seed);
    this.quotas = this.random.oneIn(6);
    this.place = { root, tame: this.quotas || this.random.oneIn(2), inside: false, avoid };
  }

  steps(): Step[] {
    for (let slot = 0; slot < SLOTS; slot++) this.connect(slot);
    if (this.quotas) this.quotaStart();
    else this.populate();
    for (let left = this.random.between(20, 60); left > 0; left--) this.step();
    this.finish();
    return this.out;
  }

  /** Some of the nodes that most requests name, so that more than errors is compared. */
  private populate(): void {
    const { root } = this.place;
    const made = ['/a', '/b', '/a/a', '/a/b', '/b/a', '/b/b']
      .filter(() => !this.random.oneIn(4))
      .map((path) => creation(`${root}${path}`, vocabulary.randomData(this.random)));
    this.burst(
      0,
      made.map((creation) => this.write(creation)),
    );
  }

  private quotaStart(): void {
    const { root } = this.place;
    for (const made of quotaStart(this.random, root)) this.burst(0, [this.write(made)]);
  }

  private step(): void {
    const slot = this.random.below(SLOTS);
    if (!this.slotAt(slot).open) {
      if (this.random.oneIn(2)) this.connect(slot);
      else this.attach(slot);
      return;
    }
    const kind = this.random.weighted([
      [40, 'burst'],
      [2, 'auth'],
      [1, 'badAuth'],
      [1, 'unknown'],
      [1, 'badFrame'],
      [2, 'kill'],
      [1, 'close'],
      [1, 'steal'],
      [1, 'sasl'],
    ] as const);
    if (kind === 'burst') this.burst(slot, this.randomOps(slot));
    else if (kind === 'auth') this.burst(slot, [this.auth(slot), ...this.randomOps(slot)]);
    else if (kind === 'badAuth') this.closing(slot, this.badAuth(slot));
    else if (kind === 'unknown') this.closing(slot, this.unknown(slot));
    else if (kind === 'badFrame') this.closing(slot, this.badFrame(slot));
    else if (kind === 'kill') this.kill(slot);
    else if (kind === 'close') this.close(slot);
    else if (kind === 'steal') this.attach((slot + 1) % SLOTS);
    else this.burst(slot, [this.sasl(slot)]);
  }

  private slotAt(slot: number): Slot {
    const known = this.slots[slot] ?? { session: 0, open: false, xid: 1 };
    this.slots[slot] = known;
    return known;
  }

  private handshake(): Handshake {
    const random = this.random;
    return {
      protocolVersion: random.pick([0, 0, 0, 1, -1]),
      timeOut: random.oneIn(3) ? vocabulary.randomTimeout(random) : 60_000,
      readOnly: random.pick([false, false, true, null]),
      passwd: random.pick([new Uint8Array(16), new Uint8Array(0), null, utf8Encode('secret')]),
      lastZxidSeen: random.weighted([
        [10, 'zero'],
        [6, 'base'],
        [1, 'ahead'],
      ]),
    };
  }

  private connect(slot: number): void {
    const state = this.slotAt(slot);
    const handshake = this.handshake();
    const id = this.nextId++;
    state.xid = 1;
    const refused = handshake.lastZxidSeen === 'ahead';
    const early = !refused && this.random.oneIn(4) ? this.randomOps(slot) : [];
    this.out.push({ kind: 'connect', id, slot, handshake, early });
    if (refused) return;
    state.open = true;
    state.session = id;
    this.alive.set(id, true);
  }

  private attach(slot: number): void {
    const session = this.random.pick([...this.alive.keys()]);
    const password = this.random.weighted([
      [8, 'right'],
      [2, 'wrong'],
      [1, 'empty'],
      [1, 'null'],
    ] as const);
    const handshake = this.handshake();
    const id = this.nextId++;
    this.out.push({ kind: 'attach', id, slot, session, password, handshake });
    const state = this.slotAt(slot);
    state.open = false;
    state.xid = 1;
    if (handshake.lastZxidSeen === 'ahead') return;
    for (const other of this.slots) if (other.session === session) other.open = false;
    state.open = password === 'right' && this.alive.get(session) === true;
    if (state.open) state.session = session;
  }

  private randomOps(slot: number): Op[] {
    if (this.quotas) return this.quotaBurst(slot);
    if (this.random.oneIn(300)) return [this.longest(slot)];
    const length = this.random.pick([1, 1, 2, 3, 5, 8, 12]);
    const ops: Op[] = [];
    // 3.9.5 checks a write against a node's old ACL as long as a setACL before it is under way, so
    // that what pipelined writes behind a setACL may do is chance: only reads follow one.
    let only: Group | undefined;
    while (ops.length < length) {
      const op = this.randomOp(slot, only);
      if (op.type === Opcode.setACL) only = 'reads';
      ops.push(op);
    }
    return ops;
  }

  /** Usage is checked against what is committed, so a burst may hold one write at its end. */
  private quotaBurst(slot: number): Op[] {
    const reads = Array.from({ length: this.random.below(3) }, () => this.randomOp(slot, 'reads'));
    const made = this.random.oneIn(5)
      ? quotaOps(this.random, this.place.root)
      : randomRequest(this.random, this.place, 'writes', this.written);
    this.written++;
    return [...reads, this.numbered(slot, made)];
  }

  private write(made: Made, slot = 0): Op {
    this.written++;
    return this.numbered(slot, made);
  }

  private randomOp(slot: number, only?: Group): Op {
    const group =
      only ??
      this.random.weighted([
        [10, 'writes'],
        [9, 'reads'],
        [4, 'watches'],
      ]);
    if (group === 'writes') this.written++;
    return this.numbered(slot, randomRequest(this.random, this.place, group, this.written));
  }

  /** A frame as long as jute.maxbuffer allows by default. */
  private longest(slot: number): Op {
    const path = vocabulary.randomNode(this.random, this.place);
    const create = (data: Uint8Array): Made => {
      return { type: Opcode.create2, body: { path, data, acl: vocabulary.OPEN_ACL, flags: 0 } };
    };
    const others = HEADER_BYTES + encodeBody(create(new Uint8Array(0))).length;
    return this.write(create(new Uint8Array(JUTE_MAXBUFFER_DEFAULT - others)), slot);
  }

  private numbered(slot: number, made: Made): Op {
    const state = this.slotAt(slot);
    if (made.type === Opcode.ping) return { id: this.nextId++, xid: Xid.ping, ...made };
    const odd = this.random.oneIn(80) ? this.random.pick([0, -8, -5, 2147483647]) : undefined;
    return { id: this.nextId++, xid: odd ?? state.xid++, ...made };
  }

  private burst(slot: number, ops: readonly Op[]): void {
    this.out.push({ kind: 'burst', id: this.nextId++, slot, ops });
  }

  private closing(slot: number, op: Op): void {
    this.burst(slot, [op]);
    this.slotAt(slot).open = false;
  }

  private auth(slot: number): Op {
    const scheme = this.random.pick(['digest', 'digest', 'digest', 'ip']);
    const auth = this.random.oneIn(12)
      ? utf8Encode('super:admin')
      : vocabulary.randomCredential(this.random);
    const body = { type: this.random.pick([0, 0, 5]), scheme, auth };
    return { ...this.numbered(slot, { type: Opcode.auth, body }), xid: Xid.auth };
  }

  private badAuth(slot: number): Op {
    const scheme = this.random.pick(['world', 'nosuch', 'sasl', '', 'super', 'x509']);
    const auth = vocabulary.randomCredential(this.random);
    const made = { type: Opcode.auth, body: { type: 0, scheme, auth } };
    return { ...this.numbered(slot, made), xid: Xid.auth, closes: 'replied' };
  }

  private sasl(slot: number): Op {
    // 3.9.5 closes the connection at a null token, by an exception; no client sends one.
    const token = vocabulary.randomData(this.random) ?? new Uint8Array(0);
    return this.numbered(slot, { type: Opcode.sasl, body: { token } });
  }

  private unknown(slot: number): Op {
    const made = {
      type: this.random.pick(UNKNOWN),
      body: vocabulary.randomCredential(this.random),
    };
    return { ...this.numbered(slot, made), closes: 'replied' };
  }

  /** Lengths that no frame may have, frames too short for a header, undecodable credentials. */
  private badFrame(slot: number): Op {
    const writer = new Writer();
    const kind = this.random.below(5);
    if (kind < 3) writer.i32(this.random.pick([-1, 0, 1_048_576, 2147483647, -2147483648]));
    else if (kind === 3) {
      writer.i32(this.random.between(1, 7));
      writer.raw(new Uint8Array(7));
    } else {
      writer.i32(16);
      encodeRecord(writer, 'RequestHeader', { xid: Xid.auth, type: Opcode.auth });
      writer.i32(0);
      writer.i32(50);
    }
    const made = this.numbered(slot, { type: Opcode.auth, body: null });
    return { ...made, frame: writer.written().slice(), closes: 'silent' };
  }

  /** Only reads are cut off: which of several writes were done would be chance. */
  private kill(slot: number): void {
    const length = this.random.below(4);
    const ops = Array.from({ length }, () => this.randomOp(slot, 'reads'));
    this.out.push({ kind: 'kill', id: this.nextId++, slot, ops });
    this.slotAt(slot).open = false;
  }

  private close(slot: number): void {
    const state = this.slotAt(slot);
    const before = this.quotas ? [] : this.randomOps(slot);
    const made = this.numbered(slot, { type: Opcode.closeSession, body: null });
    const length = this.random.below(4);
    const after = Array.from({ length }, () => this.randomOp(slot, 'reads'));
    this.burst(slot, [...before, { ...made, closes: 'replied' }, ...after]);
    state.open = false;
    this.alive.set(state.session, false);
    this.written++;
  }

  /** Leaves no session behind: one that expires later would take a zxid at a random moment. */
  private finish(): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      if (!this.slotAt(slot).open) continue;
      this.burst(slot, [this.numbered(slot, { type: Opcode.ping, body: null })]);
    }
    for (let slot = 0; slot < SLOTS; slot++) if (this.slotAt(slot).open) this.end(slot);
    for (const [session, alive] of this.alive) {
      if (!alive) continue;
      this.out.push({
        kind: 'attach',
        id: this.nextId++,
        slot: 0,
        session,
        password: 'right',
        handshake: { ...this.handshake(), lastZxidSeen: 'zero' },
      });
      this.slots[0] = { session, open: true, xid: 1 };
      this.end(0);
    }
  }

  private end(slot: number): void {
    const state = this.slotAt(slot);
    const made = this.numbered(slot, { type: Opcode.closeSession, body: null });
    this.burst(slot, [{ ...made, closes: 'replied' }]);
    state.open = false;
    this.alive.set(state.session, false);
  }
}
