import type { Reader } from '../../base/reader.ts';
import { Op } from '../../protocol/constants.ts';
import type { ACL } from '../../protocol/records.ts';
import type { WatchTarget } from './watch-table.ts';

/** What became of a call that got no answer; null: it got one, or still waits. */
export type Failure =
  /** It had been sent: the server may have carried it out, or may yet do so. */
  | 'unknown'
  /** It never left, or the server said that it did nothing: it is as if it had not been made. */
  | 'notSent';

/** Turns the body of a reply, in place, into what the caller gets. */
export type Decode = (reader: Reader, call: Call) => unknown;

const REPEATABLE: ReadonlySet<number> = new Set([
  Op.exists,
  Op.getData,
  Op.getACL,
  Op.getChildren,
  Op.getChildren2,
  Op.sync,
  Op.checkWatches,
  Op.getEphemerals,
  Op.getAllChildrenNumber,
  Op.addWatch,
  Op.whoAmI,
  Op.multiRead,
]);

/**
 * One request and what becomes of it. The session looks at what travels and at the order; what the
 * caller gets in the end (`decode`, `resolve`, `reject`) it carries along and never touches.
 */
export class Call {
  readonly kind = 'call';
  readonly op: number;
  /** As the caller named it, without the chroot. */
  readonly path: string;
  readonly decode: Decode;

  /** A version, a create mode, an addWatch mode, a kind of watch, or 1 for "and watch it". */
  argument = 0;
  data: Uint8Array | string | null = null;
  acl: readonly ACL[] | null = null;
  ttlMs = 0;
  /** The body as it travels, for requests that are made elsewhere; the chroot is in it. */
  body: Uint8Array | null = null;
  /** The path is the server's, outside any chroot. */
  isAbsolute = false;
  watcher: WatchTarget | null = null;
  /** Whatever `decode` needs beside the reply. */
  context: unknown = null;

  xid = 0;
  sentMs = 0;
  deadlineMs: number = Number.POSITIVE_INFINITY;
  /** The whole frame of a request that can't be encoded again, while it waits for a connection. */
  frame: Uint8Array | null = null;
  /** How many connections have ended while it waited there for its answer. */
  losses = 0;
  isSettled = false;
  /** The reply's code; for one that failed, the reason. */
  err = 0;
  zxid = 0;
  failure: Failure | null = null;
  /** The reply was longer than is allowed, and was skipped. */
  isCut = false;

  startedMs = 0;
  resolve: (value: never) => void = () => {};
  reject: (error: unknown) => void = () => {};
  detach: (() => void) | null = null;

  list: CallList | null = null;
  previous: Call | null = null;
  next: Call | null = null;

  constructor(op: number, path: string, decode: Decode) {
    this.op = op;
    this.path = path;
    this.decode = decode;
  }

  /** To run it twice does what it does once, and tells nothing false. */
  get isRepeatable(): boolean {
    return REPEATABLE.has(this.op);
  }
}

/** Calls in order. Each is in one list at most, so that it can leave from the middle at no cost. */
export class CallList {
  head: Call | null = null;
  tail: Call | null = null;
  length = 0;

  push(call: Call): void {
    call.list = this;
    call.previous = this.tail;
    call.next = null;
    if (this.tail === null) this.head = call;
    else this.tail.next = call;
    this.tail = call;
    this.length += 1;
  }

  remove(call: Call): void {
    if (call.list !== this) return;
    if (call.previous === null) this.head = call.next;
    else call.previous.next = call.next;
    if (call.next === null) this.tail = call.previous;
    else call.next.previous = call.previous;
    call.list = null;
    call.previous = null;
    call.next = null;
    this.length -= 1;
  }

  shift(): Call | null {
    const { head } = this;
    if (head !== null) this.remove(head);
    return head;
  }

  /** All of them, which are in no list any more. */
  takeAll(): Call[] {
    const calls: Call[] = [];
    for (let call = this.shift(); call !== null; call = this.shift()) calls.push(call);
    return calls;
  }
}
