import type { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { Op } from '../protocol/constants.ts';
import { Call } from './core/call.ts';
import type { As, Decoded } from './data.ts';
import type { CallOptions, Engine } from './engine.ts';
import { errorOf, type ZooKeeperError } from './errors.ts';
import { appendPart, bodyOf, nameOf, readHeader } from './multi.ts';
import { type NodeData, readNames, readNodeData } from './reply.ts';

/** The result of one read: its value, or why there is none. */
export type ReadResult<T> =
  | { readonly status: 'fulfilled'; readonly value: T }
  | { readonly status: 'rejected'; readonly reason: ZooKeeperError };

/**
 * Reads that show one moment of one server: no change comes between them. One that fails does not
 * concern the others. `const [a, names] = await zk.multiRead().getData('/a').getChildren('/').run()`
 */
export class MultiRead<R extends readonly unknown[] = []> {
  private readonly engine: Engine;
  private readonly chroot: string;
  private readonly writer: Writer = new Writer();
  private readonly parts: Call[] = [];

  constructor(engine: Engine, chroot: string) {
    this.engine = engine;
    this.chroot = chroot;
  }

  getData<const A extends As = 'bytes'>(
    path: string,
    options?: { readonly as?: A },
  ): MultiRead<[...R, ReadResult<NodeData<Decoded<A>>>]> {
    const part = new Call(Op.getData, path, readNodeData);
    part.context = options?.as;
    this.add(part);
    return this as unknown as MultiRead<[...R, ReadResult<NodeData<Decoded<A>>>]>;
  }

  /** The names of the children. */
  getChildren(path: string): MultiRead<[...R, ReadResult<string[]>]> {
    this.add(new Call(Op.getChildren, path, readNames));
    return this as unknown as MultiRead<[...R, ReadResult<string[]>]>;
  }

  run(options?: CallOptions): Promise<R> {
    const call = new Call(Op.multiRead, '', readResults);
    call.body = bodyOf(this.writer);
    call.context = [...this.parts];
    return this.engine.submit(call, options);
  }

  private add(part: Call): void {
    appendPart(this.writer, part, this.chroot);
    this.parts.push(part);
  }
}

function readResults(reader: Reader, call: Call): ReadResult<unknown>[] {
  return (call.context as readonly Call[]).map((part) => {
    const { type } = readHeader(reader);
    if (type !== Op.error) return { status: 'fulfilled', value: part.decode(reader, part) };
    const details = { code: reader.i32(), operation: `multiRead ${nameOf(part)}`, path: part.path };
    return { status: 'rejected', reason: errorOf(details) };
  });
}
