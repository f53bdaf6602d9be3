import { Op } from '../../src/protocol/constants.ts';
import type { RecordOf } from '../../src/protocol/records.ts';
import { Caller, pause, type SeenEvent } from './caller.ts';
import { compareStreams, type Mismatch, type Tolerance } from './compare.ts';
import type { Address } from './link.ts';
import type { Normal } from './normalize.ts';
import { OPEN_ACL } from './vocabulary.ts';

/**
 * What servers do by themselves: sessions that fall silent expire, empty containers and outlived
 * TTL nodes go. Scenarios by hand, because the moment is chance and only its bounds are not. Needs
 * servers with the BRISK settings.
 */

const TICK_MS = 200;
const REAP_MS = 300;
/** How late a busy machine may make what was due. */
const LATE_MS = 1500;

type Scenario = (address: Address, root: string) => Promise<Normal[]>;

const scenarios: Readonly<Record<string, Scenario>> = {
  silence: (address, root) => silence(address, root, false),
  'a cut connection': (address, root) => silence(address, root, true),
  'requests keep a session': keptAlive,
  'attaching again keeps a session': attachedAgain,
  containers,
  'TTL nodes': outlived,
};

export interface TimerFinding {
  readonly scenario: string;
  readonly mismatch: Mismatch;
}

export async function runTimers(
  addresses: readonly [Address, Address],
  rootOf: () => string,
  tolerance: Tolerance,
): Promise<TimerFinding[]> {
  const findings: TimerFinding[] = [];
  for (const [scenario, run] of Object.entries(scenarios)) {
    const root = rootOf();
    const [a, b] = await Promise.all(addresses.map((address) => run(address, root)));
    const mismatch = compareStreams(a ?? [], b ?? [], tolerance);
    if (mismatch !== undefined) findings.push({ scenario, mismatch });
  }
  return findings;
}

/** A session with two ephemerals says nothing more. */
async function silence(address: Address, root: string, cut: boolean): Promise<Normal[]> {
  const watcher = await watching(address, root);
  const silent = await Caller.open(address, 1000);
  const { timeOut } = silent.session;
  for (const name of ['e1', 'e2']) await create(silent, `${root}/${name}`, 1);
  await create(silent, `${root}/stays`, 0);
  const since = Date.now();
  if (cut) silent.cut();
  const deleted = (): SeenEvent[] => watcher.events.filter((event) => event.type === 2);
  const gone = await watcher.until(() => deleted().length === 2, timeOut + LATE_MS + 2 * TICK_MS);
  const waitedMs = (deleted()[0]?.atMs ?? 0) - since;
  const closed = await silent.closes(LATE_MS);
  const again = await Caller.open(address, 1000, silent.session);
  const left = await watcher.call(Op.getChildren, { path: root, watch: false });
  const result: Normal[] = [
    { what: 'expiry', gone, closed, timeOut, notEarly: waitedMs >= timeOut - 20 },
    { what: 'events', events: shown(watcher.events), oneZxid: sameZxid(deleted()) },
    { what: 'attach', timeOut: again.session.timeOut, id: again.session.sessionId },
    { what: 'children', children: (left.body as RecordOf<'GetChildrenResponse'>).children },
  ];
  await end(watcher, again);
  return result;
}

/** A session lives as long as it asks for anything, be it a ping, a read, or a failing write. */
async function keptAlive(address: Address, root: string): Promise<Normal[]> {
  const keeper = await watching(address, root);
  const results: Normal[] = [];
  const asks: [string, number, Parameters<Caller['call']>[1]][] = [
    ['ping', Op.ping, null],
    ['read', Op.exists, { path: root, watch: false }],
    ['failing write', Op.delete, { path: `${root}/none`, version: -1 }],
  ];
  for (const [name, type, body] of asks) {
    const caller = await Caller.open(address, 600);
    await create(caller, `${root}/${name}`, 1);
    for (let i = 0; i < 8; i++) {
      await pause(200);
      await caller.call(type, body);
    }
    const { err } = await keeper.call(Op.exists, { path: `${root}/${name}`, watch: false });
    results.push({ what: `kept by a ${name}`, err, closed: caller.closed });
    await end(caller);
  }
  await end(keeper);
  return results;
}

async function attachedAgain(address: Address, root: string): Promise<Normal[]> {
  const watcher = await watching(address, root);
  const first = await Caller.open(address, 800);
  await create(first, `${root}/e`, 1);
  first.cut();
  await pause(400);
  const second = await Caller.open(address, 3000, first.session);
  const granted = second.session.timeOut;
  await pause(1800);
  const { err } = await watcher.call(Op.exists, { path: `${root}/e`, watch: false });
  const alive = (await second.call(Op.ping, null)).err;
  const result = { what: 'attached again', granted, err, alive, events: shown(watcher.events) };
  await end(watcher, second);
  return [result];
}

async function containers(address: Address, root: string): Promise<Normal[]> {
  const watcher = await watching(address, root);
  for (const name of ['used', 'unused', 'parent']) {
    await create(watcher, `${root}/${name}`, 4, Op.createContainer);
  }
  for (const path of ['used/child', 'parent/child']) await create(watcher, `${root}/${path}`, 0);
  const before = await watcher.call(Op.delete, { path: `${root}/used/child`, version: -1 });
  const goes = (): SeenEvent | undefined =>
    watcher.events.find((event) => event.type === 2 && event.path === `${root}/used`);
  const gone = await watcher.until(() => goes() !== undefined, REAP_MS + LATE_MS);
  await watcher.until(() => false, 3 * REAP_MS);
  const zxids = (goes()?.zxid ?? 0) - before.zxid;
  const left = await watcher.call(Op.getChildren, { path: root, watch: false });
  const result: Normal[] = [
    { what: 'containers', gone, zxids, events: shown(watcher.events) },
    { what: 'left', children: (left.body as RecordOf<'GetChildrenResponse'>).children?.toSorted() },
  ];
  await end(watcher);
  return result;
}

/** A TTL counts from the last setData, and only while there are no children. */
async function outlived(address: Address, root: string): Promise<Normal[]> {
  const watcher = await watching(address, root);
  const ttl = 700;
  const make = (name: string, data: number): Promise<unknown> => {
    const body = { path: `${root}/${name}`, data: Uint8Array.of(data), acl: OPEN_ACL };
    return watcher.call(Op.createTTL, { ...body, flags: 5, ttl });
  };
  const since = Date.now();
  for (const name of ['goes', 'renewed', 'parent']) await make(name, 1);
  await create(watcher, `${root}/parent/child`, 0);
  await pause(500);
  await watcher.call(Op.setData, { path: `${root}/renewed`, data: null, version: -1 });
  const renewedAt = Date.now();
  const goes = (name: string): SeenEvent | undefined =>
    watcher.events.find((event) => event.type === 2 && event.path === `${root}/${name}`);
  const both = (): boolean => goes('goes') !== undefined && goes('renewed') !== undefined;
  const gone = await watcher.until(both, 2 * ttl + REAP_MS + LATE_MS);
  const early = (goes('goes')?.atMs ?? 0) < since + ttl;
  const earlyRenewed = (goes('renewed')?.atMs ?? 0) < renewedAt + ttl;
  const { err } = await watcher.call(Op.exists, { path: `${root}/parent`, watch: false });
  await watcher.call(Op.delete, { path: `${root}/parent/child`, version: -1 });
  const parent = await watcher.until(() => goes('parent') !== undefined, REAP_MS + LATE_MS);
  const events = shown(watcher.events);
  await end(watcher);
  return [{ what: 'TTL nodes', gone, early, earlyRenewed, err, parent, events }];
}

async function watching(address: Address, root: string): Promise<Caller> {
  const caller = await Caller.open(address, 30_000);
  await create(caller, root, 0);
  await caller.call(Op.addWatch, { path: root, mode: 1 });
  return caller;
}

async function create(
  caller: Caller,
  path: string,
  flags: number,
  type: number = Op.create,
): Promise<void> {
  await caller.call(type, { path, data: null, acl: OPEN_ACL, flags });
}

async function end(...callers: readonly Caller[]): Promise<void> {
  for (const caller of callers) {
    if (!caller.closed) await caller.call(Op.closeSession, null);
    caller.cut();
  }
}

function shown(events: readonly SeenEvent[]): string[] {
  return events.map(({ type, path }) => `${type} ${path}`).toSorted();
}

function sameZxid(events: readonly SeenEvent[]): boolean {
  return new Set(events.map((event) => event.zxid)).size === 1;
}
