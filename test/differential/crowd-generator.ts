import { utf8Encode } from '../../src/base/utf8.ts';
import { Op as Opcode, Xid } from '../../src/protocol/constants.ts';
import type { MultiOp } from '../../src/protocol/multi.ts';
import type { RecordOf } from '../../src/protocol/records.ts';
import { Random } from './random.ts';
import { type Made, randomRequest } from './requests.ts';
import type { Handshake, Op } from './steps.ts';
import {
  type Avoidable,
  OPEN_ACL,
  type Place,
  randomCredential,
  SYSTEM_PATHS,
} from './vocabulary.ts';

/**
 * Makes the episodes of concurrent mode. Each connection works in a subtree of its own, where what
 * it gets back does not depend on the others, and now and then in a shared one, where it does.
 */

export interface Crowd {
  readonly seed: number;
  readonly root: string;
  readonly members: readonly Member[];
}

export interface Member {
  readonly slot: number;
  readonly root: string;
  readonly handshake: Handshake;
  /** Groups of bursts: a burst is written at once, a group before its answers are awaited. */
  readonly groups: readonly (readonly (readonly Op[])[])[];
  /** Operations on the shared subtree, by id. */
  readonly shared: ReadonlySet<number>;
  /** Sent last, on a connection that is cut at once; each creates the next of `n0, n1, ...`. */
  readonly doomed: readonly Op[];
}

export const SHARED = { queue: '/s/q', counter: '/s/counter', guarded: '/s/guarded' } as const;

const MEMBERS = 4;

export function generateCrowd(seed: number, root: string, avoid: ReadonlySet<Avoidable>): Crowd {
  const members = Array.from({ length: MEMBERS }, (_, slot) => {
    return new MemberGenerator(seed, slot, root, avoid).member();
  });
  return { seed, root, members };
}

class MemberGenerator {
  private readonly random: Random;
  private readonly slot: number;
  private readonly crowdRoot: string;
  private readonly place: Place;
  private readonly shared = new Set<number>();
  private nextId = 1;
  private xid = 1;

  constructor(seed: number, slot: number, crowdRoot: string, avoid: ReadonlySet<Avoidable>) {
    this.random = new Random(seed, slot + 1);
    this.slot = slot;
    this.crowdRoot = crowdRoot;
    this.place = { root: `${crowdRoot}/c${slot}`, tame: this.random.oneIn(2), inside: true, avoid };
  }

  member(): Member {
    const { slot, place, shared, random } = this;
    const handshake: Handshake = {
      protocolVersion: 0,
      timeOut: 60_000,
      readOnly: random.pick([false, null]),
      passwd: new Uint8Array(16),
      lastZxidSeen: 'zero',
    };
    const first = random.oneIn(2) ? [[[this.auth('bob:pw')]]] : [];
    const groups = Array.from({ length: random.between(5, 12) }, () => this.group());
    const doomed = Array.from({ length: random.between(1, 12) }, (_, i) => this.doomed(i));
    return { slot, root: place.root, handshake, groups: [...first, ...groups], shared, doomed };
  }

  private group(): Op[][] {
    const bursts = this.random.between(1, 4);
    return Array.from({ length: bursts }, () => {
      return Array.from({ length: this.random.between(1, 10) }, () => this.op());
    });
  }

  private op(): Op {
    if (this.random.oneIn(40) && !this.place.avoid.has('late-auth')) return this.auth('carol:pw');
    if (!this.random.oneIn(4)) return this.numbered(this.ownRequest());
    const op = this.numbered(this.sharedRequest());
    this.shared.add(op.id);
    return op;
  }

  /** Leaves out what depends on the others, and setACL, whose effect in flight is chance. */
  private ownRequest(): Made {
    for (;;) {
      const group = this.random.weighted([
        [10, 'writes'],
        [9, 'reads'],
        [5, 'watches'],
      ] as const);
      const made = randomRequest(this.random, this.place, group, -4);
      if (made.type !== Opcode.setACL && !countsEverything(made)) return made;
    }
  }

  private sharedRequest(): Made {
    const at = (path: string): string => `${this.crowdRoot}${path}`;
    const data = utf8Encode(`${this.slot}-${this.nextId}`);
    const watch = this.random.oneIn(2);
    switch (
      this.random.weighted([
        [3, 'queue'],
        [3, 'counter'],
        [2, 'guarded'],
        [4, 'get'],
        [2, 'list'],
      ] as const)
    ) {
      case 'queue': {
        const path = `${at(SHARED.queue)}/n`;
        return { type: Opcode.create, body: { path, data, acl: OPEN_ACL, flags: 2 } };
      }
      case 'counter':
        return { type: Opcode.setData, body: { path: at(SHARED.counter), data, version: -1 } };
      case 'guarded': {
        const version = this.random.below(6);
        return { type: Opcode.setData, body: { path: at(SHARED.guarded), data, version } };
      }
      case 'get':
        return { type: Opcode.getData, body: { path: at(SHARED.counter), watch } };
      default:
        return { type: Opcode.getChildren2, body: { path: at(SHARED.queue), watch } };
    }
  }

  private auth(credential: string): Op {
    const auth = this.random.oneIn(5) ? randomCredential(this.random) : utf8Encode(credential);
    const body = { type: 0, scheme: 'digest', auth };
    return { id: this.nextId++, xid: Xid.auth, type: Opcode.auth, body };
  }

  private doomed(i: number): Op {
    const request = (name: string): MultiOp => {
      const path = `${this.place.root}/k/${name}${i}`;
      return { type: 1, request: { path, data: null, acl: OPEN_ACL, flags: 0 } };
    };
    const single = request('n').request;
    const made = this.random.oneIn(3)
      ? { type: Opcode.multi, body: [request('n'), request('m')] }
      : { type: Opcode.create, body: single };
    return this.numbered(made);
  }

  private numbered(made: Made): Op {
    const xid = made.type === Opcode.ping ? Xid.ping : this.xid++;
    return { id: this.nextId++, xid, ...made };
  }
}

function countsEverything({ type, body }: Made): boolean {
  if (type !== Opcode.getAllChildrenNumber || body === null) return false;
  if (body instanceof Uint8Array) return true;
  const { path } = body as RecordOf<'GetAllChildrenNumberRequest'>;
  return path === '' || SYSTEM_PATHS.includes(path ?? '');
}
