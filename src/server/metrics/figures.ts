import type { ServerContext } from '../context.ts';

/** ZooKeeper counts the root twice, once under the empty path. */
export function nodeCount(context: ServerContext): number {
  return context.state.tree.count + 1;
}

/** Requests that have been read and not answered yet. */
export function outstandingRequests(context: ServerContext): number {
  let count = 0;
  for (const connection of context.connections) count += connection.outstanding;
  return count;
}

export function ephemeralsCount({ state }: ServerContext): number {
  let count = 0;
  for (const session of state.sessions.values()) count += state.tree.listSize(session.list);
  return count;
}
