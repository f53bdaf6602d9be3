// What a trace proves: when each token (a unique word in a write's data or path) was on disk, and
// when each client could first see it.
import { dirname } from 'node:path';

const tokenPattern = /tk\d+x/g;

function tokensIn(data) {
  return new Set(data.toString('latin1').match(tokenPattern) ?? []);
}

/** For each write to a file below `directories`, the place in the order where it was durable. */
function durableWrites(events, directories) {
  const isOurs = (path) => directories.some((directory) => path.startsWith(`${directory}/`));
  const syncs = events.filter((event) => event.kind === 'sync');
  return events
    .filter((event) => event.kind === 'write' && isOurs(event.path))
    .map((write) => {
      if (write.isSynchronous) return { write, durableAt: write.end };
      const sync = syncs.find(({ path, start }) => path === write.path && start >= write.end);
      return { write, durableAt: sync?.end ?? Number.POSITIVE_INFINITY };
    });
}

/** Where each reply began to be sent: `clientPort -> [{ xid, at }]`, connect replies as xid 0. */
function replies(events) {
  const streams = new Map();
  for (const event of events) {
    if (event.kind !== 'send') continue;
    const stream = streams.get(event.clientPort) ?? { input: Buffer.alloc(0), origins: [], at: 0 };
    streams.set(event.clientPort, stream);
    stream.origins.push({ from: stream.input.length, at: event.start });
    stream.input = Buffer.concat([stream.input, event.data]);
  }
  const found = new Map();
  for (const [port, { input, origins }] of streams) found.set(port, splitReplies(input, origins));
  return found;
}

function splitReplies(input, origins) {
  const list = [];
  for (let from = 0; from + 8 <= input.length; ) {
    const length = input.readInt32BE(from);
    const origin = origins.findLast((candidate) => candidate.from <= from);
    list.push({ xid: list.length === 0 ? 0 : input.readInt32BE(from + 4), at: origin.at });
    from += 4 + length;
  }
  return list;
}

export class Evidence {
  #events;
  #writes;
  #replies;

  constructor(events, directories) {
    this.#events = events;
    this.#writes = durableWrites(events, directories);
    this.#replies = replies(events);
  }

  get unseenWays() {
    const suspicious = /^(io_|sendfile|copy_file)/;
    return this.#events.filter(({ kind, name }) => kind === 'other' && suspicious.test(name));
  }

  /** The file and the moment of durability of the first write that holds `token`. */
  durability(token) {
    return this.#writes.find(({ write }) => write.data.includes(token)) ?? null;
  }

  /** When the reply to `xid` began to leave for the client on `port`. */
  replyAt(port, xid) {
    return this.#replies.get(port)?.find((reply) => reply.xid === xid)?.at ?? null;
  }

  /** Tokens that any client was shown before they were durable. */
  shownTooEarly() {
    const first = new Map();
    for (const event of this.#events) {
      if (event.kind !== 'send') continue;
      for (const token of tokensIn(event.data)) {
        if (!first.has(token)) first.set(token, event.start);
      }
    }
    const isEarly = ([token, at]) => (this.durability(token)?.durableAt ?? Infinity) > at;
    return { shown: first.size, early: [...first].filter(isEarly).map(([token]) => token) };
  }

  /** Whether a write that holds `text` began after `from` and was durable before `until`. */
  hasDurableWriteBetween(from, until, text) {
    return this.#writes.some(
      ({ write, durableAt }) =>
        write.start > from && durableAt < until && write.data.includes(text),
    );
  }

  /** Syncs and synchronous writes, between two places in the order, of files that hold tokens. */
  syncsBetween(from, until) {
    const holders = new Set(
      this.#writes
        .filter(({ write }) => tokensIn(write.data).size > 0)
        .map(({ write }) => write.path),
    );
    return this.#events.filter(
      (event) =>
        event.start > from &&
        event.end < until &&
        (event.kind === 'sync' || (event.kind === 'write' && event.isSynchronous)) &&
        holders.has(event.path),
    );
  }

  /**
   * Names that were not yet safe in their directory at `until`: a file that is synced can still be
   * lost with its name. Looks at `path` and at every directory above it that was made meanwhile.
   */
  unsafeNames(path, until) {
    const unsafe = [];
    for (let name = path; name !== dirname(name); name = dirname(name)) {
      const made = this.#events.filter(
        (event) =>
          event.path === name &&
          event.end < until &&
          (event.kind === 'rename' ||
            event.kind === 'mkdir' ||
            (event.kind === 'open' && event.isNew)),
      );
      if (made.length === 0) continue;
      const last = made[made.length - 1].end;
      const isSynced = this.#events.some(
        ({ kind, path: synced, start, end }) =>
          kind === 'sync' && synced === dirname(name) && start > last && end < until,
      );
      if (!isSynced) unsafe.push(name);
    }
    return unsafe;
  }
}
