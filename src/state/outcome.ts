import { Writer } from '../base/writer.ts';
import type { Acl } from './acl.ts';

/** What a write did to one znode; watches are matched against it. */
export const ChangeKind = { created: 1, deleted: 2, dataChanged: 3 } as const;

/**
 * The changes of one command in the order they happened, kept in parallel arrays that are reused:
 * a write that nobody watches leaves no garbage.
 */
export class Changes {
  count = 0;
  readonly kind: number[] = [];
  /** The path of change i is `paths.bytes[pathFrom[i], pathTo[i])`, UTF-8; the root is "/". */
  readonly pathFrom: number[] = [];
  readonly pathTo: number[] = [];
  /** The node's own ACL (for deleted: the one it had) and its parent's, for filtering delivery. */
  readonly acl: Acl[] = [];
  readonly parentAcl: Acl[] = [];
  readonly paths: Writer = new Writer(1024);

  clear(): void {
    this.count = 0;
    this.paths.clear();
  }

  add(kind: number, path: Uint8Array, from: number, to: number, acl: Acl, parent: Acl): void {
    const i = this.count++;
    this.kind[i] = kind;
    this.pathFrom[i] = this.paths.at;
    this.paths.raw(path, from, to);
    this.pathTo[i] = this.paths.at;
    this.acl[i] = acl;
    this.parentAcl[i] = parent;
  }
}

/** What became of a command with a session: rule 6 of exactly-once writes. */
export const Verdict = {
  /** Applied here for the first time; `error` tells success or failure. */
  applied: 1,
  /** A write of this generation that was applied before: no effect, no reply. */
  repeat: 2,
  /** An older generation, a gap, or a session that is gone: no effect, no zxid. */
  refused: 3,
} as const;

/** A soft limit that a write goes beyond: the write passes, and an operator should hear of it. */
export class ExceededQuota {
  /** What there is too much of; empty: nothing. */
  what: '' | 'count' | 'bytes' = '';
  limit = 0;
  /** With the write. */
  use = 0;
  /** Of the znode that has the quota, UTF-8. */
  readonly path: Writer = new Writer(64);
}

/** The result of one apply. The state owns one and reuses it: read it before the next apply. */
export class Outcome {
  verdict = 0;
  kind = 0;
  opcode = 0;
  /** ReplyHeader.err. */
  error = 0;
  /** ReplyHeader.zxid: the command's own if it took one, else the last one processed. */
  zxid = 0;
  sessionHigh = 0;
  sessionLow = 0;
  generation = 0;
  sequence = 0;
  /** The session's time-out after openSession and attachSession. */
  timeoutMs = 0;
  /** True if this command ended its session (closed by the client, or expired). */
  closedSession = false;
  /** The reply's body behind the ReplyHeader; empty on error. */
  readonly body: Writer = new Writer(1024);
  readonly changes: Changes = new Changes();
  readonly exceeded: ExceededQuota = new ExceededQuota();
}
