import { DecodeError, Reader } from '../base/reader.ts';
import { AclTable, decodeStoredAcl } from './acl.ts';
import { Context } from './context.ts';
import { Ensemble } from './ensemble.ts';
import { FORMAT, MAGIC } from './image.ts';
import { decodeId, decodeMembership } from './membership.ts';
import { Sessions } from './sessions.ts';
import { State, type StateOptions } from './state.ts';
import { TreeLoader } from './tree/loader.ts';

interface Head {
  readonly zxid: number;
  readonly timeMs: number;
  readonly slot: number;
  readonly containers: number;
  readonly ttls: number;
}

/** Makes a state from the slices of an image, in their order. */
export class StateLoader {
  private readonly options: StateOptions;
  private readonly tree: TreeLoader;
  private readonly acls = new AclTable();
  private readonly sessions = new Sessions();
  private readonly ensemble: Ensemble;
  private head: Head | null = null;
  private aclsLeft = 0;
  private sessionsLeft = 0;
  private aclUses = 0;

  constructor(options: StateOptions) {
    this.options = options;
    this.ensemble = new Ensemble(options.levelSupported);
    this.tree = new TreeLoader(options);
  }

  /**
   * Throws DecodeError if the slice is none of an image, or out of its turn; BehaviourLevelError
   * if the state needs a newer version.
   */
  accept(slice: Uint8Array): void {
    if (this.head !== null && this.aclsLeft === 0 && this.sessionsLeft === 0) {
      this.tree.accept(slice);
      return;
    }
    const reader = new Reader(slice);
    if (this.head === null) this.acceptHead(reader);
    else if (this.aclsLeft > 0) this.acceptAcls(reader);
    else this.acceptSessions(reader);
    if (reader.remaining > 0) throw new DecodeError('a slice longer than its content');
  }

  private acceptHead(reader: Reader): void {
    if (reader.i32() !== MAGIC) throw new DecodeError('no image of a state');
    const format = reader.i32();
    if (format !== FORMAT) throw new DecodeError(`an image of format ${format}`);
    this.head = {
      zxid: reader.f64(),
      timeMs: reader.f64(),
      slot: reader.f64(),
      containers: reader.i32(),
      ttls: reader.i32(),
    };
    this.aclsLeft = reader.i32();
    this.sessionsLeft = reader.i32();
    this.ensemble.raiseLevel(reader.i32());
    if (reader.bool()) {
      const clusterId = decodeId(reader);
      this.ensemble.found(clusterId, decodeMembership(reader));
    }
    const { zxid, timeMs, slot } = this.head;
    const whole = [zxid, timeMs, slot].every((value) => Number.isSafeInteger(value) && value >= 0);
    if (!whole || this.aclsLeft < 1 || this.sessionsLeft < 0) {
      throw new DecodeError('an image with a wrong head');
    }
  }

  private acceptAcls(reader: Reader): void {
    while (reader.remaining > 0 && this.aclsLeft > 0) {
      const id = reader.i32();
      const uses = reader.i32();
      const encoded = reader.buffer();
      if (encoded === null) throw new DecodeError('null ACL');
      this.acls.restore({ acl: decodeStoredAcl(encoded), id, uses });
      this.aclUses += uses;
      this.aclsLeft--;
    }
  }

  private acceptSessions(reader: Reader): void {
    while (reader.remaining > 0 && this.sessionsLeft > 0) {
      this.sessions.restore(reader);
      this.sessionsLeft--;
    }
  }

  /** Throws DecodeError if the image is not whole. */
  finish(): State {
    const { head } = this;
    if (head === null || this.aclsLeft > 0 || this.sessionsLeft > 0) {
      throw new DecodeError('an image that ends early');
    }
    const tree = this.tree.finish();
    if (this.aclUses !== tree.count) throw new DecodeError('ACLs that do not fit the znodes');
    this.acls.finishRestore();
    const lists = { containers: head.containers, ttls: head.ttls };
    const context = new Context(tree, lists, this.acls, this.sessions, this.ensemble);
    context.zxid = head.zxid;
    context.timeMs = head.timeMs;
    const state = new State(this.options, context);
    state.slot = head.slot;
    return state;
  }
}
