import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';

export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** Who asks: the ids of one connection, as ACL checks see them. Immutable. */
export class Identities {
  readonly list: readonly Identity[];
  /** As a jute vector<Id>, ready to be copied into commands. */
  readonly encoded: Uint8Array;
  /** An identity of scheme `super` passes every check. */
  readonly isSuper: boolean;
  /** Somebody on the machine of a member, who may read its data (`entry/local-access.ts`). */
  readonly isLocal: boolean;

  constructor(list: readonly Identity[]) {
    this.list = list;
    this.isSuper = list.some(({ scheme }) => scheme === 'super');
    this.isLocal = list.some(({ scheme }) => scheme === 'local');
    const writer = new Writer();
    writer.i32(list.length);
    for (const { scheme, id } of list) {
      writer.ustring(scheme);
      writer.ustring(id);
    }
    this.encoded = writer.written().slice();
  }

  static readonly none: Identities = new Identities([]);

  static decode(bytes: Uint8Array): Identities {
    const reader = new Reader(bytes);
    const list: Identity[] = [];
    for (let count = reader.i32(); count > 0; count--) {
      list.push({ scheme: reader.ustring() ?? '', id: reader.ustring() ?? '' });
    }
    return new Identities(list);
  }

  /** The same ids and one more; adding an id twice changes nothing. */
  with(identity: Identity): Identities {
    const known = this.list.some((i) => i.scheme === identity.scheme && i.id === identity.id);
    return known ? this : new Identities([...this.list, identity]);
  }
}
