import { Op } from '../protocol/constants.ts';
import { Call, type Decode } from './core/call.ts';
import { absolutePath } from './core/request.ts';
import type { CallOptions, Engine } from './engine.ts';
import { NodeExistsError, NoNodeError, NotEmptyError } from './errors.ts';
import { newCreate } from './node-options.ts';
import { type NodeData, nothing, readNodeData, readStat } from './reply.ts';

/**
 * Limits of a subtree: znodes, itself included, and bytes of data. The server logs when a soft one
 * is exceeded, and refuses what would exceed a hard one, if `enforceQuota` is on there.
 */
export interface QuotaLimits {
  readonly count?: number;
  readonly bytes?: number;
  readonly hardCount?: number;
  readonly hardBytes?: number;
}

export interface Quota {
  readonly limits: QuotaLimits;
  readonly used: { readonly count: number; readonly bytes: number };
}

const ROOT = '/zookeeper/quota';
const LIMITS = 'zookeeper_limits';
const STATS = 'zookeeper_stats';
const NONE = -1;

/** Null: no limits are set there. */
export async function getQuota(
  engine: Engine,
  chroot: string,
  path: string,
  options: CallOptions | undefined,
): Promise<Quota | null> {
  const node = quotaNode(chroot, path);
  const texts = await Promise.allSettled(
    [LIMITS, STATS].map((name) => {
      const call = absoluteCall(Op.getData, `${node}/${name}`, readNodeData);
      call.context = 'string';
      return engine.submit<NodeData<string>>(call, options);
    }),
  );
  const [limits, stats] = texts.map((text) => {
    if (text.status === 'fulfilled') return parse(text.value.data);
    if (text.reason instanceof NoNodeError) return null;
    throw text.reason;
  });
  if (limits === null || limits === undefined) return null;
  const used = { count: stats?.get('count') ?? 0, bytes: stats?.get('bytes') ?? 0 };
  return { limits: limitsOf(limits), used };
}

/** Sets all four limits; the znode that counts comes into being with the first. */
export async function setQuota(
  engine: Engine,
  chroot: string,
  path: string,
  limits: QuotaLimits,
  options: CallOptions | undefined,
): Promise<void> {
  const node = quotaNode(chroot, path);
  const text = print(limits);
  const limitsNode = `${node}/${LIMITS}`;
  const parents = nodesDownTo(node).map((parent) => create(engine, parent, '', options));
  const made = [...parents, create(engine, limitsNode, text, options)];
  const stats = create(engine, `${node}/${STATS}`, print({}), options);
  const isNew = (await Promise.all([...made, stats])).at(-2);
  if (isNew) return;
  const call = absoluteCall(Op.setData, limitsNode, readStat);
  call.argument = -1;
  call.data = text;
  await engine.submit(call, options);
}

/** Removes both znodes, and those above that were only there for them. */
export async function removeQuota(
  engine: Engine,
  chroot: string,
  path: string,
  options: CallOptions | undefined,
): Promise<void> {
  const node = quotaNode(chroot, path);
  const paths = [`${node}/${LIMITS}`, `${node}/${STATS}`, ...nodesDownTo(node).reverse()];
  const outcomes = await Promise.allSettled(
    paths.map((one) => {
      const call = absoluteCall(Op.delete, one, nothing);
      call.argument = -1;
      return engine.submit<void>(call, options);
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    const { reason } = outcome;
    if (!(reason instanceof NoNodeError || reason instanceof NotEmptyError)) throw reason;
  }
}

function quotaNode(chroot: string, path: string): string {
  const absolute = absolutePath(chroot, path);
  return absolute === '/' ? ROOT : ROOT + absolute;
}

/** The znodes between the root of all quotas and this one, this one included. */
function nodesDownTo(node: string): string[] {
  const found: string[] = [];
  for (let at = node.indexOf('/', ROOT.length + 1); at !== -1; at = node.indexOf('/', at + 1)) {
    found.push(node.slice(0, at));
  }
  return node === ROOT ? [] : [...found, node];
}

/** False: it was there. */
async function create(
  engine: Engine,
  path: string,
  data: string,
  options: CallOptions | undefined,
): Promise<boolean> {
  const call = newCreate(path, undefined, false) as Call;
  call.isAbsolute = true;
  call.context = '';
  call.data = data;
  try {
    await engine.submit(call, options);
    return true;
  } catch (error) {
    if (error instanceof NodeExistsError) return false;
    throw error;
  }
}

function absoluteCall(op: number, path: string, decode: Decode): Call {
  const call = new Call(op, path, decode);
  call.isAbsolute = true;
  return call;
}

/** As ZooKeeper's shell writes it, with the odd `=` before the first semicolon. */
function print({ count, bytes, hardCount, hardBytes }: QuotaLimits): string {
  const soft = `count=${count ?? NONE},bytes=${bytes ?? NONE}`;
  return `${soft}=;byteHardLimit=${hardBytes ?? NONE};countHardLimit=${hardCount ?? NONE}`;
}

function parse(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const part of text.split(/[,;]+/)) {
    const [key = '', value = ''] = part.split('=');
    values.set(key, value === '' ? NONE : Number(value));
  }
  return values;
}

function limitsOf(values: ReadonlyMap<string, number>): QuotaLimits {
  const pairs = [
    ['count', 'count'],
    ['bytes', 'bytes'],
    ['hardCount', 'countHardLimit'],
    ['hardBytes', 'byteHardLimit'],
  ] as const;
  const set = pairs.map(([name, key]) => [name, values.get(key) ?? NONE] as const);
  return Object.fromEntries(set.filter(([, value]) => value > NONE));
}
