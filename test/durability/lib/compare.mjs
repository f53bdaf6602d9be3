// Compares what a server holds with a model, zxids included as far as they are known.

/** The whole tree below `root`, as `path -> { data, stat, names }`. */
export async function readTree(connection, root) {
  const tree = new Map();
  const visit = async (path) => {
    const [content, children] = await Promise.all([
      connection.getData(path),
      connection.getChildren(path),
    ]);
    if (content === null || children === null) return;
    tree.set(path, { ...content, names: children.names });
    const prefix = path === '/' ? '/' : `${path}/`;
    await Promise.all(children.names.map((name) => visit(prefix + name)));
  };
  await visit(root);
  return tree;
}

function shorten(text) {
  return text.length > 40 ? `${text.slice(0, 40)}… (${text.length})` : text;
}

/**
 * A zxid of a write whose reply never came is a `Pending`: it is learnt when it is first seen, and
 * must be the same wherever else the same write has left it.
 */
export class Pending {
  zxid = null;

  constructor(after) {
    this.after = after;
  }

  agrees(actual) {
    if (this.zxid === null) this.zxid = actual;
    return this.zxid === actual && actual > this.after;
  }
}

function zxidAgrees(expected, actual) {
  if (expected === null) return true;
  return expected instanceof Pending ? expected.agrees(actual) : expected === actual;
}

function nodeDifference(path, expected, actual) {
  const { stat } = actual;
  const wanted = {
    version: expected.version,
    cversion: expected.creates + expected.deletes,
    aversion: 0,
    owner: expected.owner,
    dataLength: Buffer.byteLength(expected.data),
    childCount: expected.children.size,
  };
  if (expected.data !== actual.data) {
    return `${path}: data is ${shorten(actual.data)}, should be ${shorten(expected.data)}`;
  }
  for (const [key, value] of Object.entries(wanted)) {
    if (stat[key] !== value) return `${path}: ${key} is ${stat[key]}, should be ${value}`;
  }
  for (const key of ['czxid', 'mzxid', 'pzxid']) {
    if (zxidAgrees(expected[key], stat[key])) continue;
    return `${path}: ${key} is ${stat[key]}, should be ${JSON.stringify(expected[key])}`;
  }
  return null;
}

/** Null when `tree` is what `model` says; else the first differences, in words. */
export function treeDifference(model, tree) {
  const found = [];
  for (const [path, node] of model.nodes) {
    const actual = tree.get(path);
    if (actual === undefined) found.push(`${path}: missing`);
    else {
      const difference = nodeDifference(path, node, actual);
      if (difference !== null) found.push(difference);
    }
    if (found.length >= 3) break;
  }
  for (const path of tree.keys()) {
    if (found.length >= 3) break;
    if (!model.nodes.has(path)) found.push(`${path}: there, but should not be`);
  }
  return found.length === 0 ? null : found.join('; ');
}

/** From now on the model knows the zxids that the server has. */
export function adoptZxids(model, tree) {
  for (const [path, node] of model.nodes) {
    const { stat } = tree.get(path);
    node.czxid = stat.czxid;
    node.mzxid = stat.mzxid;
    node.pzxid = stat.pzxid;
  }
}
