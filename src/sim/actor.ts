import type { Prng } from '../base/prng.ts';
import { utf8Encode } from '../base/utf8.ts';
import { CreateMode, Op, Perm } from '../protocol/constants.ts';
import type { MultiOp } from '../protocol/multi.ts';
import type { RecordOf } from '../protocol/records.ts';
import type { SimClient } from './client.ts';
import type { Call } from './history.ts';

const OPEN_ACL = [{ perms: Perm.all, id: { scheme: 'world', id: 'anyone' } }];

const READABLE = { perms: Perm.read | Perm.admin, id: { scheme: 'world', id: 'anyone' } };

/** A client with the verbs that workloads are made of. */
export class Actor {
  readonly client: SimClient;
  readonly prng: Prng;
  private values = 0;

  constructor(client: SimClient, prng: Prng) {
    this.client = client;
    this.prng = prng;
  }

  /** Never the same twice, whoever writes it. */
  freshValue(): string {
    return `${this.client.name}-${++this.values}`;
  }

  create(path: string, data = '', flags: number = CreateMode.persistent): Promise<Call> {
    return this.client.call(Op.create2, createRequest(path, data, flags));
  }

  /** A znode that is gone a while after it was last written, unless somebody needs it. */
  createOutlived(path: string, ttl: number): Promise<Call> {
    const request = createRequest(path, '', CreateMode.persistentWithTTL);
    return this.client.call(Op.createTTL, { ...request, ttl });
  }

  /** From now on nobody creates or deletes below it, unless ACLs are not looked at. */
  restrict(path: string): Promise<Call> {
    const acl = [{ ...READABLE }];
    return this.client.call(Op.setACL, { path, acl, version: -1 });
  }

  delete(path: string, version = -1): Promise<Call> {
    return this.client.call(Op.delete, { path, version });
  }

  set(path: string, data: string, version = -1): Promise<Call> {
    return this.client.call(Op.setData, setRequest(path, data, version));
  }

  get(path: string, watch = false): Promise<Call> {
    return this.client.call(Op.getData, { path, watch });
  }

  exists(path: string, watch = false): Promise<Call> {
    return this.client.call(Op.exists, { path, watch });
  }

  children(path: string, watch = false): Promise<Call> {
    return this.client.call(Op.getChildren2, { path, watch });
  }

  sync(path: string): Promise<Call> {
    return this.client.call(Op.sync, { path });
  }

  multi(ops: readonly MultiOp[]): Promise<Call> {
    return this.client.call(Op.multi, ops);
  }

  addWatch(path: string, mode: number): Promise<Call> {
    return this.client.call(Op.addWatch, { path, mode });
  }
}

export function createRequest(
  path: string,
  data: string,
  flags: number,
): RecordOf<'CreateRequest'> {
  return { path, data: utf8Encode(data), acl: OPEN_ACL, flags };
}

export function setRequest(
  path: string,
  data: string,
  version: number,
): RecordOf<'SetDataRequest'> {
  return { path, data: utf8Encode(data), version };
}
