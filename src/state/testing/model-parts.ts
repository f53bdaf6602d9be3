import { Op } from '../../protocol/constants.ts';
import type { Identity } from '../identities.ts';
import type { Entry, Write } from './commands.ts';

/** A command as plain values; `write` where there is a body of a client. */
export interface PlainCommand {
  readonly kind: number;
  readonly flags: number;
  readonly opcode: number;
  readonly high: number;
  readonly low: number;
  readonly generation: number;
  readonly sequence: number;
  readonly timeMs: number;
  readonly identities: readonly Identity[];
  readonly write?: PlainWrite;
  readonly opening?: { readonly timeoutMs: number; readonly hash: string };
  readonly path?: string;
  readonly code?: number;
  /** Of sessionAges: that of the one session it names. */
  readonly age?: number;
  /** Of openEpoch. */
  readonly opensEpoch?: boolean;
}

export type PlainWrite = Write & {
  readonly path?: string | null;
  readonly data?: string | null;
  readonly ops?: readonly PlainWrite[];
};

export interface ModelNode {
  data: string | null;
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctime: number;
  mtime: number;
  version: number;
  cversion: number;
  aversion: number;
  owner: bigint;
  acl: readonly Entry[];
}

export interface ModelSession {
  timeoutMs: number;
  hash: string;
  generation: number;
  sequence: number;
  age: number;
}

export interface ModelOutcome {
  verdict: number;
  error: number;
  zxid: number;
  generation: number;
  timeoutMs: number;
  closedSession: boolean;
  body: Uint8Array;
  changes: string[];
}

export const CONTAINER = 0x8000000000000000n;
export const TTL = 0xff00000000000000n;
export const LIMITS = '/zookeeper_limits';
export const STATS = '/zookeeper_stats';
export const QUOTA = '/zookeeper/quota';

export class Failure extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`code ${code}`);
    this.code = code;
  }
}

export function ensure(condition: boolean, code: number): asserts condition {
  if (!condition) throw new Failure(code);
}

export function isEphemeral(owner: bigint): boolean {
  return owner !== 0n && owner !== CONTAINER && owner >> 56n !== 0xffn;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

export function sizeOf(data: string | null): number {
  return data?.length ?? 0;
}

export function effectiveOpcode(op: PlainWrite): number {
  const creates: number[] = [Op.create, Op.create2, Op.createContainer, Op.createTTL];
  if (!creates.includes(op.opcode)) return op.opcode;
  if (op.flags === 4) return Op.createContainer;
  return op.opcode === Op.createContainer ? Op.create2 : op.opcode;
}

export function freshNode(
  data: string | null,
  zxid: number,
  timeMs: number,
  owner: bigint,
  acl: readonly Entry[],
): ModelNode {
  return {
    data,
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: timeMs,
    mtime: timeMs,
    version: 0,
    cversion: 0,
    aversion: 0,
    owner,
    acl,
  };
}
