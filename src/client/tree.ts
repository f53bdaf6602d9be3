import { CLIENT_TREE_REQUESTS_MAX } from '../base/limits.ts';
import type { As, Decoded, Encodable } from './data.ts';
import type { CallOptions } from './engine.ts';
import { NodeExistsError, NoNodeError, NotEmptyError } from './errors.ts';
import type { CreateOptions, Operations } from './operations.ts';
import type { NodeData } from './reply.ts';

/** Others may change the tree meanwhile; after so many rounds they are faster than we are. */
const ROUNDS_MAX = 20;

export interface CreateRecursiveOptions<A extends As> extends CreateOptions<A> {
  /** What missing parents become. Default: persistent znodes without data. */
  readonly parents?: 'persistent' | 'container';
}

/**
 * Tries the znode itself first, since its parents are usually there. Where one is missing all of
 * them are created in one go: the server takes them in order, and those that exist say so.
 */
export async function createRecursive<A extends As>(
  zk: Operations,
  path: string,
  data: Encodable<A> | undefined,
  options: CreateRecursiveOptions<A>,
): Promise<string> {
  const { parents = 'persistent', ...own } = options;
  for (let round = 1; ; round++) {
    try {
      return await zk.create(path, data, own as CreateOptions<A>);
    } catch (error) {
      if (!(error instanceof NoNodeError) || round === ROUNDS_MAX) throw error;
    }
    const limits = limitsOf(own);
    const node = own.acl === undefined ? { mode: parents } : { mode: parents, acl: own.acl };
    const made = ancestors(path).map((parent) => zk.create(parent, '', { ...node, ...limits }));
    const outcomes = await Promise.allSettled(made);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected' && !isRace(outcome.reason)) throw outcome.reason;
    }
  }
}

/** Another has created it before us, or deleted what it was to be in: the next round sees. */
function isRace(error: unknown): boolean {
  return error instanceof NodeExistsError || error instanceof NoNodeError;
}

function limitsOf({ signal, timeoutMs }: CallOptions): CallOptions {
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** Those of `/a/b/c` are `/a` and `/a/b`. */
function ancestors(path: string): string[] {
  const found: string[] = [];
  for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1)) {
    found.push(path.slice(0, at));
  }
  return found;
}

/**
 * Deletes all that is below, and the znode itself. Children go before their parents, all of them
 * pipelined: a session's requests are carried out in their order. What others add meanwhile is
 * found in another round.
 */
export async function deleteRecursive(
  zk: Operations,
  path: string,
  options: CallOptions,
): Promise<void> {
  for (let round = 1; ; round++) {
    const paths: string[] = [];
    for await (const found of walk(zk, path, options)) paths.push(found);
    paths.reverse();
    let isBusy = false;
    for (let from = 0; from < paths.length; from += CLIENT_TREE_REQUESTS_MAX) {
      const deleted = paths
        .slice(from, from + CLIENT_TREE_REQUESTS_MAX)
        .map((one) => zk.delete(one, options));
      for (const outcome of await Promise.allSettled(deleted)) {
        if (outcome.status === 'fulfilled' || outcome.reason instanceof NoNodeError) continue;
        if (!(outcome.reason instanceof NotEmptyError) || round === ROUNDS_MAX) {
          throw outcome.reason;
        }
        isBusy = true;
      }
    }
    if (!isBusy) return;
  }
}

/** The path and all below it, each parent before its children. Not of one moment. */
export async function* walk(
  zk: Operations,
  path: string,
  options: CallOptions,
): AsyncGenerator<string, void, undefined> {
  let level = [path];
  while (level.length > 0) {
    const next: string[] = [];
    for (let from = 0; from < level.length; from += CLIENT_TREE_REQUESTS_MAX) {
      const window = level.slice(from, from + CLIENT_TREE_REQUESTS_MAX);
      const lists = await Promise.all(window.map((one) => childrenOf(zk, one, options)));
      for (const [i, names] of lists.entries()) {
        const parent = window[i] as string;
        if (names === null) continue;
        yield parent;
        const prefix = parent === '/' ? '/' : `${parent}/`;
        for (const name of names) next.push(prefix + name);
      }
    }
    level = next;
  }
}

/** Null: it has gone meanwhile. */
async function childrenOf(
  zk: Operations,
  path: string,
  options: CallOptions,
): Promise<string[] | null> {
  try {
    return await zk.getChildren(path, options);
  } catch (error) {
    if (error instanceof NoNodeError) return null;
    throw error;
  }
}

/** Data and stat of the path and all below it, by path. Not of one moment. */
export async function readTree<A extends As>(
  zk: Operations,
  path: string,
  options: CallOptions & { readonly as?: A },
): Promise<Map<string, NodeData<Decoded<A>>>> {
  const tree = new Map<string, NodeData<Decoded<A>>>();
  let window: string[] = [];
  const read = async (): Promise<void> => {
    const paths = window;
    window = [];
    const outcomes = await Promise.allSettled(paths.map((one) => zk.getData(one, options)));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') tree.set(paths[i] as string, outcome.value);
      else if (!(outcome.reason instanceof NoNodeError)) throw outcome.reason;
    }
  };
  for await (const found of walk(zk, path, limitsOf(options))) {
    window.push(found);
    if (window.length === CLIENT_TREE_REQUESTS_MAX) await read();
  }
  await read();
  return tree;
}
