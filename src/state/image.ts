import { Writer } from '../base/writer.ts';
import type { AclUse } from './acl.ts';
import type { Context } from './context.ts';
import { encodeMembership } from './membership.ts';
import type { SessionsImage } from './sessions.ts';
import type { TreeImage } from './tree/image.ts';

export const MAGIC = 0x514c5354;
export const FORMAT = 2;

/**
 * The state of one moment, exact although commands go on being applied while it is written.
 * Slices, each whole, in this order:
 * ```
 * head     := magic:i32 format:i32 zxid:f64 timeMs:f64 slot:f64 containers:i32 ttls:i32
 *             acls:i32 sessions:i32 level:i32 ensemble
 * ensemble := founded:u8 (clusterId:16 membership)?
 * acls     := (id:i32 uses:i32 acl:buffer)*            as many as the head says, in some slices
 * sessions := (high:i32 low:i32 timeoutMs:i32 list:i32 generation:i32 sequence:f64 age:u8
 *             hash:buffer)*
 * tree     := the tree's own slices
 * ```
 */
export class StateImage {
  private head: Uint8Array | null;
  private readonly acls: readonly AclUse[];
  private aclAt = 0;
  private sessions: SessionsImage | null;
  private tree: TreeImage | null;

  constructor(c: Context, slot: number) {
    this.acls = c.acls.capture();
    this.sessions = c.sessions.beginImage();
    this.tree = c.tree.beginImage();
    this.head = encodeHead(c, slot, this.acls.length, this.sessions.count);
  }

  /** The next slice, of about `maxBytes`; null at the end, which also ends the image. */
  next(maxBytes: number): Uint8Array | null {
    const { head } = this;
    if (head !== null) {
      this.head = null;
      return head;
    }
    if (this.aclAt < this.acls.length) return this.nextAcls(maxBytes);
    const sessions = this.sessions?.next(maxBytes) ?? null;
    if (sessions !== null) return sessions;
    this.sessions = null;
    const slice = this.tree?.next(maxBytes) ?? null;
    if (slice === null) this.end();
    return slice;
  }

  /** Also to abandon it: until then changes keep old values for the image. */
  end(): void {
    this.head = null;
    this.aclAt = this.acls.length;
    this.sessions?.end();
    this.sessions = null;
    this.tree?.end();
    this.tree = null;
  }

  private nextAcls(maxBytes: number): Uint8Array {
    const writer = new Writer(4_096);
    while (this.aclAt < this.acls.length && writer.at < maxBytes) {
      const { acl, id, uses } = this.acls[this.aclAt++] as AclUse;
      writer.i32(id);
      writer.i32(uses);
      writer.buffer(acl.encoded);
    }
    return writer.written();
  }
}

function encodeHead(c: Context, slot: number, acls: number, sessions: number): Uint8Array {
  const writer = new Writer(64);
  writer.i32(MAGIC);
  writer.i32(FORMAT);
  writer.f64(c.zxid);
  writer.f64(c.timeMs);
  writer.f64(slot);
  writer.i32(c.lists.containers);
  writer.i32(c.lists.ttls);
  writer.i32(acls);
  writer.i32(sessions);
  const { level, clusterId, membership } = c.ensemble;
  writer.i32(level);
  writer.bool(membership !== null);
  if (clusterId !== null && membership !== null) {
    writer.raw(clusterId);
    encodeMembership(writer, membership);
  }
  return writer.written();
}
