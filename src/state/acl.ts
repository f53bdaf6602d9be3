import { assert } from '../base/assert.ts';
import { equalBytes } from '../base/bytes.ts';
import { DecodeError, Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { Perm } from '../protocol/constants.ts';
import { hashBytes, LANE_HIGH, LANE_LOW, Sum64 } from './hash.ts';

/** An ACL takes about as much on the heap beside its bytes, which are there three times. */
const ACL_OVERHEAD_BYTES = 512;
/** More distinct ACLs than memory can hold: an image that claims a larger id lies. */
const ACL_IDS_MAX = 67_108_864;

export interface AclEntry {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

/** A list of who may do what. Immutable, but for `id`, which the table owns. */
export class Acl {
  /** What znodes store; 0 while none does. */
  id = 0;
  readonly entries: readonly AclEntry[];
  /** As a jute vector<ACL>, ready to be copied into replies. */
  readonly encoded: Uint8Array;
  /** The permissions of (world, anyone): whoever asks has them. */
  readonly anyonePerms: number;
  /** Exactly world:anyone with all permissions, which nearly every znode has. */
  readonly open: boolean;
  readonly hashHigh: number;
  readonly hashLow: number;

  constructor(entries: readonly AclEntry[]) {
    this.entries = entries;
    this.encoded = encodeAcl(entries);
    let anyonePerms = 0;
    for (const { perms, scheme, id } of entries) {
      if (scheme === 'world' && id === 'anyone') anyonePerms |= perms;
    }
    this.anyonePerms = anyonePerms;
    this.open = entries.length === 1 && anyonePerms === Perm.all;
    this.hashHigh = hashBytes(LANE_HIGH, this.encoded);
    this.hashLow = hashBytes(LANE_LOW, this.encoded);
  }

  isEncodedAs(bytes: Uint8Array, from: number, to: number): boolean {
    const { encoded } = this;
    return to - from === encoded.length && equalBytes(bytes, from, encoded, 0, encoded.length);
  }
}

export function encodeAcl(entries: readonly AclEntry[]): Uint8Array {
  const writer = new Writer();
  writer.i32(entries.length);
  for (const { perms, scheme, id } of entries) {
    writer.i32(perms);
    writer.ustring(scheme);
    writer.ustring(id);
  }
  return writer.written().slice();
}

/** Decodes a jute vector<ACL> that a client sent; null parts stay null. */
export function decodeAcl(
  bytes: Uint8Array,
  from: number,
  to: number,
): { perms: number; scheme: string | null; id: string | null }[] {
  const reader = new Reader(bytes);
  reader.at = from;
  reader.end = to;
  const entries: { perms: number; scheme: string | null; id: string | null }[] = [];
  for (let count = reader.i32(); count > 0; count--) {
    entries.push({ perms: reader.i32(), scheme: reader.ustring(), id: reader.ustring() });
  }
  return entries;
}

/** Decodes what `encodeAcl` wrote. */
export function decodeStoredAcl(encoded: Uint8Array): Acl {
  const entries = decodeAcl(encoded, 0, encoded.length).map(({ perms, scheme, id }) => {
    if (scheme === null || id === null) throw new DecodeError('a stored ACL with a null part');
    return { perms, scheme, id };
  });
  return new Acl(entries);
}

/** What an image needs of one ACL: at the moment of `capture`, `uses` znodes had it. */
export interface AclUse {
  readonly acl: Acl;
  readonly id: number;
  readonly uses: number;
}

/**
 * Every ACL that some znode has, once, with the number of znodes that have it. `begin`, `commit`
 * and `rollback` follow those of the tree: within a transaction an ACL that loses its last znode
 * keeps its id, since a rollback may bring that znode back.
 */
export class AclTable {
  /** world:anyone with all permissions. Always in the table, so that its id never changes. */
  readonly open: Acl;
  /** The sum of the ACLs' hashes over all znodes: the tree's own digest leaves ACLs out. */
  readonly digest: Sum64 = new Sum64();
  private readonly byId: (Acl | null)[] = [null];
  private readonly uses: number[] = [0];
  private readonly freeIds: number[] = [];
  private readonly byKey = new Map<string, Acl>();
  /** Inside a transaction: the ids used (positive) and released (negative) so far. */
  private readonly journal: number[] = [];
  private journaling = false;

  constructor() {
    this.open = new Acl([{ perms: Perm.all, scheme: 'world', id: 'anyone' }]);
    this.register(this.open);
  }

  /** About what the table takes on the heap. */
  bytesUsed = 0;

  /** Distinct ACLs. */
  get size(): number {
    return this.byKey.size;
  }

  get(id: number): Acl {
    const acl = this.byId[id];
    assert(acl !== undefined && acl !== null, 'a znode has an ACL that is not in the table');
    return acl;
  }

  /** The table's ACL of this content if some znode has it, else a new one for `use`. */
  intern(entries: readonly AclEntry[]): Acl {
    const acl = new Acl(entries);
    return this.byKey.get(keyOf(acl.encoded)) ?? acl;
  }

  /** One more znode has `acl`; returns the id that this znode stores. */
  use(acl: Acl): number {
    const stored = acl.id !== 0 ? acl : (this.byKey.get(keyOf(acl.encoded)) ?? this.register(acl));
    this.uses[stored.id] = (this.uses[stored.id] as number) + 1;
    this.digest.add(stored.hashHigh, stored.hashLow);
    if (this.journaling) this.journal.push(stored.id);
    return stored.id;
  }

  /** One znode fewer has the ACL of this id. */
  release(id: number): void {
    const acl = this.get(id);
    const uses = (this.uses[id] as number) - 1;
    assert(uses >= 0, 'an ACL was released more often than used');
    this.uses[id] = uses;
    this.digest.subtract(acl.hashHigh, acl.hashLow);
    if (this.journaling) this.journal.push(-id);
    else if (uses === 0) this.forget(id);
  }

  begin(): void {
    assert(!this.journaling, 'transactions of the ACL table do not nest');
    this.journaling = true;
  }

  commit(): void {
    this.journaling = false;
    this.settle();
  }

  rollback(): void {
    for (let i = this.journal.length - 1; i >= 0; i--) {
      const entry = this.journal[i] as number;
      const id = Math.abs(entry);
      const acl = this.get(id);
      this.uses[id] = (this.uses[id] as number) - Math.sign(entry);
      if (entry > 0) this.digest.subtract(acl.hashHigh, acl.hashLow);
      else this.digest.add(acl.hashHigh, acl.hashLow);
    }
    this.commit();
  }

  /** Forgets the ACLs of the journal that nobody has any more. */
  private settle(): void {
    for (const entry of this.journal) {
      const id = Math.abs(entry);
      if (this.uses[id] === 0 && this.byId[id] !== null) this.forget(id);
    }
    this.journal.length = 0;
  }

  capture(): AclUse[] {
    const captured: AclUse[] = [];
    for (const acl of this.byKey.values()) {
      captured.push({ acl, id: acl.id, uses: this.uses[acl.id] as number });
    }
    return captured;
  }

  /** Puts an ACL of an image back under its id. The open one is known already. */
  restore({ acl, id, uses }: AclUse): void {
    if (id <= 0 || id > ACL_IDS_MAX || uses < 0 || (uses === 0 && !acl.open))
      throw new DecodeError('an unused ACL');
    let stored = acl;
    if (acl.open) {
      if (id !== this.open.id) throw new DecodeError('the open ACL under another id');
      stored = this.open;
    } else {
      const key = keyOf(acl.encoded);
      if (this.byKey.has(key) || this.byId[id]) throw new DecodeError('an ACL twice');
      while (this.byId.length <= id) this.byId.push(null);
      this.enter(acl, id);
    }
    this.uses[id] = uses;
    this.digest.addTimes(stored.hashHigh, stored.hashLow, uses);
  }

  /** After the last `restore`: the ids in between are free. */
  finishRestore(): void {
    for (let id = this.byId.length - 1; id > 0; id--) {
      if (this.byId[id] !== null) continue;
      this.uses[id] = 0;
      this.freeIds.push(id);
    }
  }

  private register(acl: Acl): Acl {
    const id = this.freeIds.pop() ?? this.byId.length;
    this.enter(acl, id);
    return acl;
  }

  private enter(acl: Acl, id: number): void {
    this.byId[id] = acl;
    this.uses[id] = 0;
    this.byKey.set(keyOf(acl.encoded), acl);
    this.bytesUsed += heapBytesOf(acl);
    acl.id = id;
  }

  private forget(id: number): void {
    const acl = this.get(id);
    if (acl === this.open) return;
    this.byKey.delete(keyOf(acl.encoded));
    this.byId[id] = null;
    this.freeIds.push(id);
    this.bytesUsed -= heapBytesOf(acl);
    acl.id = 0;
  }
}

function heapBytesOf(acl: Acl): number {
  return ACL_OVERHEAD_BYTES + 3 * acl.encoded.length;
}

/** One character a byte: a string, so that V8's keyed hash guards the map from being flooded. */
function keyOf(encoded: Uint8Array): string {
  let key = '';
  for (let i = 0; i < encoded.length; i++) key += String.fromCharCode(encoded[i] as number);
  return key;
}
