import { DecodeError, type Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { encodeRecord } from '../protocol/codec.ts';
import { Err, Op } from '../protocol/constants.ts';
import { operations } from '../protocol/operations.ts';
import type { Stat } from '../protocol/records.ts';
import { Call, type Decode } from './core/call.ts';
import { encodeBody } from './core/request.ts';
import { type As, type Encodable, encodeData } from './data.ts';
import type { CallOptions, Engine } from './engine.ts';
import { errorOf } from './errors.ts';
import { type NodeOptions, newCreate } from './node-options.ts';
import { nothing, readPath, readPathOfCreated, readStat } from './reply.ts';

export interface MultiVersion {
  /** Only if the znode has this version; left out, whatever version it has. */
  readonly version?: number;
}

export interface MultiCreated {
  readonly path: string;
  /** Null: a server before 3.9, which does not tell. */
  readonly stat: Stat | null;
}

const END = { type: -1, done: true, err: -1 } as const;
const ANY_VERSION = -1;

/**
 * Operations that are carried out together, at one zxid, or not at all. Each method adds one, and
 * the result of `commit` has the results in their order and with their types:
 * `const [path, stat] = await zk.multi().create('/a').setData('/b', '1').commit()`.
 */
export class Multi<R extends readonly unknown[] = []> {
  private readonly engine: Engine;
  private readonly chroot: string;
  private readonly writer: Writer = new Writer();
  private readonly parts: Call[] = [];

  constructor(engine: Engine, chroot: string) {
    this.engine = engine;
    this.chroot = chroot;
  }

  /** How many operations there are. */
  get length(): number {
    return this.parts.length;
  }

  /** Result: the path. */
  create<const A extends As = 'bytes'>(
    path: string,
    data?: Encodable<A>,
    options?: NodeOptions & { readonly as?: A },
  ): Multi<[...R, string]> {
    this.addCreate(path, data, options, false);
    return this as unknown as Multi<[...R, string]>;
  }

  /** Result: the path, and the stat where the server tells it. */
  createWithStat<const A extends As = 'bytes'>(
    path: string,
    data?: Encodable<A>,
    options?: NodeOptions & { readonly as?: A },
  ): Multi<[...R, MultiCreated]> {
    this.addCreate(path, data, options, true);
    return this as unknown as Multi<[...R, MultiCreated]>;
  }

  /** Result: the stat. */
  setData<const A extends As = 'bytes'>(
    path: string,
    data: Encodable<A>,
    options?: MultiVersion & { readonly as?: A },
  ): Multi<[...R, Stat]> {
    const part = new Call(Op.setData, path, readStat);
    part.argument = options?.version ?? ANY_VERSION;
    part.data = encodeData(data, options?.as);
    this.add(part);
    return this as unknown as Multi<[...R, Stat]>;
  }

  /** Result: undefined. */
  delete(path: string, options?: MultiVersion): Multi<[...R, undefined]> {
    const part = new Call(Op.delete, path, nothing);
    part.argument = options?.version ?? ANY_VERSION;
    this.add(part);
    return this as unknown as Multi<[...R, undefined]>;
  }

  /** Nothing happens unless the znode is there, with this version if one is named. */
  check(path: string, options?: MultiVersion): Multi<[...R, undefined]> {
    const part = new Call(Op.check, path, nothing);
    part.argument = options?.version ?? ANY_VERSION;
    this.add(part);
    return this as unknown as Multi<[...R, undefined]>;
  }

  /**
   * Carries all of it out. Throws the error of the operation that failed, with its path, and with
   * `failedPart` to say which it was; nothing has happened then.
   */
  commit(options?: CallOptions): Promise<R> {
    const call = new Call(Op.multi, '', readResults);
    call.body = bodyOf(this.writer);
    call.context = [...this.parts];
    return this.engine.submit(call, options);
  }

  private addCreate(
    path: string,
    data: unknown,
    options: (NodeOptions & { readonly as?: As }) | undefined,
    withStat: boolean,
  ): void {
    const part = newCreate(path, options, withStat);
    if (part === null) throw invalid('create', path);
    part.data = encodeData(data, options?.as);
    part.context = this.chroot;
    this.add(part);
  }

  private add(part: Call): void {
    appendPart(this.writer, part, this.chroot);
    this.parts.push(part);
  }
}

/** Adds one operation; throws BadArgumentsError and adds nothing where the path is not valid. */
export function appendPart(writer: Writer, part: Call, chroot: string): void {
  const { at } = writer;
  encodeRecord(writer, 'MultiHeader', { type: part.op, done: false, err: -1 });
  let isWhole = false;
  try {
    isWhole = encodeBody(writer, part, chroot);
  } finally {
    if (!isWhole) writer.at = at;
  }
  part.data = null;
  if (!isWhole) throw invalid(nameOf(part), part.path);
}

/** A copy, so that more can be added to what is committed already. */
export function bodyOf(writer: Writer): Uint8Array {
  const { at } = writer;
  encodeRecord(writer, 'MultiHeader', END);
  const body = writer.written().slice();
  writer.at = at;
  return body;
}

function invalid(operation: string, path: string): Error {
  return errorOf({ code: Err.badArguments, operation, path });
}

export function nameOf(part: Call): string {
  return part.op === Op.check ? 'check' : (operations.get(part.op)?.name ?? 'multi');
}

function readResults(reader: Reader, call: Call): unknown[] {
  const parts = call.context as readonly Call[];
  const results: unknown[] = [];
  const codes: number[] = [];
  for (const part of parts) {
    const { type, err } = readHeader(reader);
    codes.push(type === Op.error ? reader.i32() : err);
    results.push(type === Op.error ? undefined : decodeOf(part, type)(reader, part));
  }
  const index = codes.findIndex((code) => code !== 0);
  const failed = parts[index];
  if (failed === undefined) return results;
  throw errorOf({
    code: codes[index] as number,
    operation: `multi ${nameOf(failed)}`,
    path: failed.path,
    failedPart: { index, codes },
  });
}

/** Servers before 3.9 answer some creations inside a multi without a stat. */
function decodeOf(part: Call, type: number): Decode {
  if (type !== Op.create || part.op === Op.create) return part.decode;
  return part.decode === readPathOfCreated ? readPath : readPathAlone;
}

function readPathAlone(reader: Reader, part: Call): MultiCreated {
  return { path: readPath(reader, part), stat: null };
}

/** The header of a result; the end comes only behind the last of those that were asked for. */
export function readHeader(reader: Reader): { readonly type: number; readonly err: number } {
  const type = reader.i32();
  const isEnd = reader.bool();
  const err = reader.i32();
  if (isEnd) throw new DecodeError('fewer results than operations');
  return { type, err };
}
