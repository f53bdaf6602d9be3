import { utf8Decode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import type { State } from '../state.ts';
import type { Row } from '../tree/layout.ts';
import type { Model } from './model.ts';

/** All that a state holds, as lines that can be compared; the order of znodes does not count. */
export function dumpState(state: State): string[] {
  const lines: string[] = [];
  dumpNode(state, state.tree.root, lines);
  for (const session of state.sessions.values()) {
    const { high, low, timeoutMs, generation, sequence, age } = session;
    const hash = utf8Decode(session.passwordHash, 0, session.passwordHash.length);
    lines.push(
      `session ${high}:${low} ${JSON.stringify([timeoutMs, hash, generation, sequence, age])}`,
    );
    const ephemerals: string[] = [];
    for (let row = state.tree.listFirst(session.list); row; row = state.tree.listNext(row)) {
      ephemerals.push(state.tree.pathString(row));
    }
    lines.push(`ephemerals ${high}:${low} ${JSON.stringify(ephemerals)}`);
  }
  lines.push(`clock ${state.zxid} ${state.timeMs}`);
  lines.push(`membership ${state.membership?.version}`);
  return lines.sort();
}

function dumpNode(state: State, row: Row, lines: string[]): void {
  const { tree } = state;
  const data = new Writer();
  tree.writeData(row, data);
  const owner = (BigInt(tree.ownerHigh(row)) << 32n) | BigInt(tree.ownerLow(row) >>> 0);
  const fields = [
    tree.dataLength(row) < 0 ? null : utf8Decode(data.bytes, 0, data.at),
    tree.czxid(row),
    tree.mzxid(row),
    tree.pzxid(row),
    tree.ctime(row),
    tree.mtime(row),
    tree.version(row),
    tree.cversion(row),
    tree.aversion(row),
    BigInt.asUintN(64, owner).toString(16),
    state.acls.get(tree.acl(row)).entries.map((e) => [e.perms, e.scheme, e.id]),
    tree.descendantCount(row),
  ];
  lines.push(`node ${tree.pathString(row)} ${JSON.stringify(fields)}`);
  for (let child = tree.firstChild(row); child !== 0; child = tree.nextSibling(child)) {
    dumpNode(state, child, lines);
  }
}

export function dumpModel(model: Model): string[] {
  const lines: string[] = [];
  for (const [path, node] of model.nodes) {
    const below = path === '/' ? '/' : `${path}/`;
    const descendants = [...model.nodes.keys()].filter((p) => p !== '/' && p.startsWith(below));
    const fields = [
      node.data,
      node.czxid,
      node.mzxid,
      node.pzxid,
      node.ctime,
      node.mtime,
      node.version,
      node.cversion,
      node.aversion,
      node.owner.toString(16),
      node.acl.map((e) => [e.perms, e.scheme, e.id]),
      descendants.length,
    ];
    lines.push(`node ${path} ${JSON.stringify(fields)}`);
  }
  for (const [key, { timeoutMs, hash, generation, sequence, age }] of model.sessions) {
    lines.push(`session ${key} ${JSON.stringify([timeoutMs, hash, generation, sequence, age])}`);
    const [high, low] = key.split(':').map(Number) as [number, number];
    const owner = BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
    const own = [...model.nodes].filter(([, node]) => node.owner === owner);
    lines.push(`ephemerals ${key} ${JSON.stringify(own.map(([path]) => path))}`);
  }
  lines.push(`clock ${model.zxid} ${model.timeMs}`);
  lines.push(`membership ${model.membershipVersion ?? undefined}`);
  return lines.sort();
}
