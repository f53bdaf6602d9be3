import { beforeEach, describe, expect, it } from 'vitest';
import { GOSSIP_STREAM_BYTES_MAX } from '../../base/limits.ts';
import type { Frame } from '../../gossip/codec.ts';
import type { Message } from '../../gossip/messages.ts';
import { silentLogger } from '../../io/logger.ts';
import type { Stream, StreamHandler } from '../../io/network.ts';
import { NodeChecksums } from '../../io/node/checksums.ts';
import { NodeCiphers } from '../../io/node/ciphers.ts';
import { NodeSecrets } from '../../io/node/secrets.ts';
import { type Host, NetworkWorld, SimNetwork } from '../../sim/network.ts';
import { SimProcess } from '../../sim/process.ts';
import { ProcessClock } from '../../sim/process-clock.ts';
import { World } from '../../sim/world.ts';
import { Turn } from '../turn.ts';
import { Frames } from './frames.ts';
import { Seal } from './seal.ts';
import { Streams } from './streams.ts';

const PORT = 3888;
const KEY = new Uint8Array(32).fill(1);
const checksums = new NodeChecksums();
const secrets = new NodeSecrets();

let world: World;
let network: NetworkWorld;

class End {
  readonly got: Message[] = [];
  readonly host: Host;
  readonly frames: Frames;
  readonly streams: Streams;
  readonly network: SimNetwork;

  constructor(name: string, keys: readonly Uint8Array[] = [KEY]) {
    this.host = network.addHost(name);
    const process = new SimProcess(world, name);
    const clock = new ProcessClock(process, { wallAheadMs: 0, rate: 1 });
    this.network = new SimNetwork(process, this.host);
    const seal = new Seal({ ciphers: new NodeCiphers(), checksums, secrets, life: 1 });
    seal.setKeys(keys);
    this.frames = new Frames({ id: 'aa'.repeat(16), clusterId: KEY, checksums, seal });
    const nowMs = () => clock.monotonicMs();
    const turn = new Turn(clock);
    this.streams = new Streams({
      io: { network: this.network, checksums, turn, logger: silentLogger, nowMs },
      ...{ clock, secrets, frames: this.frames },
      receive: ({ message }: Frame) => this.got.push(message),
    });
  }

  async open(): Promise<this> {
    await this.streams.open(undefined, PORT);
    return this;
  }
}

const rumours: Message = { type: 'rumours', facts: [] };
const want = (slot: number): Message => ({ type: 'want', slot, feed: false });
const run = (ms: number): Promise<void> => world.run(ms * 1_000);

function push(bytes: number): Message {
  const hash = new Uint8Array(32);
  const entries = [{ slot: 1, previous: hash, hash, body: new Uint8Array(bytes) }];
  return { type: 'push', round: 0, isFeed: true, entries };
}

beforeEach(() => {
  world = new World(1);
  network = new NetworkWorld(world);
});

describe('streams', () => {
  it('carry what is said, in order, however long it is', async () => {
    const [a, b] = [await new End('a').open(), await new End('b').open()];
    const said = [want(1), push(100_000), want(2), rumours];
    for (const message of said) a.streams.send(`b:${PORT}`, message);
    await run(500);
    a.streams.send(`b:${PORT}`, want(3));
    await run(100);
    expect(b.got).toEqual([...said, want(3)]);
    expect([a.streams.count, b.streams.count]).toEqual([1, 1]);
  });

  it('end when nothing is said for a while, and are there again when something is', async () => {
    const [a, b] = [await new End('a').open(), await new End('b').open()];
    a.streams.send(`b:${PORT}`, want(1));
    await run(17_000);
    expect([a.streams.count, b.streams.count]).toEqual([0, 0]);
    a.streams.send(`b:${PORT}`, want(2));
    await run(100);
    expect(b.got).toEqual([want(1), want(2)]);
  });

  it('are not dialled again at once where nobody is, and nothing waits for them', async () => {
    const a = await new End('a').open();
    network.addHost('b');
    a.streams.send(`b:${PORT}`, want(1));
    await run(100);
    const b = await new End('c').open();
    Object.assign(b.host, { name: 'c' });
    a.streams.send(`b:${PORT}`, want(2));
    expect(a.streams.count).toBe(0);
    await run(2_500);
    a.streams.send(`c:${PORT}`, want(3));
    await run(100);
    expect(b.got).toEqual([want(3)]);
  });

  it('end when the other side does not read: no memory without bound', async () => {
    const [a, b] = [await new End('a').open(), await new End('b').open()];
    a.streams.send(`b:${PORT}`, want(1));
    await run(100);
    network.links.split(['a'], ['b']);
    let sent = 0;
    for (; a.streams.count > 0 && sent < 100_000_000; sent += 1_000_000) {
      a.streams.send(`b:${PORT}`, push(1_000_000));
      await run(1);
    }
    expect(sent).toBeGreaterThan(GOSSIP_STREAM_BYTES_MAX);
    expect(sent).toBeLessThan(GOSSIP_STREAM_BYTES_MAX + 3_000_000);
    network.links.heal();
    await run(100);
    a.streams.send(`b:${PORT}`, want(2));
    await run(5_000);
    expect(b.got.filter(({ type }) => type === 'want')).toEqual([want(1), want(2)]);
  });

  it('to no address at all are not tried', async () => {
    const a = await new End('a').open();
    for (const address of ['', 'b', 'b:0', ':1', 'b:99999']) a.streams.send(address, rumours);
    expect(a.streams.count).toBe(0);
  });
});

/** Says what it likes, as often as it likes. */
class Rude implements StreamHandler {
  heard = 0;
  isClosed = false;
  stream: Stream | null = null;

  constructor(end: End, host: string) {
    end.network.connect(
      { host, port: PORT },
      (stream) => {
        this.stream = stream;
        return this;
      },
      () => {
        this.isClosed = true;
      },
    );
  }

  onData(bytes: Uint8Array): void {
    this.heard += bytes.length;
  }

  onDrain(): void {}

  onClose(): void {
    this.isClosed = true;
  }
}

describe('strangers', () => {
  it('who have another key, or none, say nothing that is read', async () => {
    const b = await new End('b').open();
    for (const [i, keys] of [[], [new Uint8Array(32).fill(2)]].entries()) {
      const stranger = await new End(`s${i}`, keys).open();
      stranger.streams.send(`b:${PORT}`, want(1));
      await run(100);
      expect([b.got, b.streams.count, stranger.streams.count]).toEqual([[], 0, 0]);
    }
    expect(b.frames.dropped).toMatchObject({ noKey: 1, wrongKey: 1 });
  });

  it('who replay what a member has said are not heard: each connection has its own challenge', async () => {
    const [a, b] = [await new End('a').open(), await new End('b').open()];
    const recorded: Uint8Array[] = [];
    const { connect } = a.network;
    a.network.connect = (peer, open, failed) =>
      connect.call(
        a.network,
        peer,
        (stream) => {
          const { write } = stream;
          stream.write = (bytes) => {
            recorded.push(new Uint8Array(bytes));
            return write.call(stream, bytes);
          };
          return open(stream);
        },
        failed,
      );
    a.streams.send(`b:${PORT}`, want(1));
    await run(100);
    expect(b.got).toEqual([want(1)]);
    expect(recorded.length).toBeGreaterThan(0);
    const rude = new Rude(new End('r'), 'b');
    await run(10);
    for (const bytes of recorded) rude.stream?.write(bytes);
    await run(100);
    expect([b.got.length, rude.isClosed]).toEqual([1, true]);
    expect(b.frames.dropped.wrongKey).toBe(1);
  });

  it('who say nothing are sent away after a while, and are few', async () => {
    const b = await new End('b').open();
    const end = new End('r');
    const all = Array.from({ length: 80 }, () => new Rude(end, 'b'));
    await run(1_000);
    expect(all.filter(({ isClosed }) => isClosed)).toHaveLength(80 - 64);
    await run(6_000);
    expect(all.every(({ isClosed }) => isClosed)).toBe(true);
    expect(b.streams.count).toBe(0);
  });

  it('who announce a long frame are sent away before it comes', async () => {
    const b = await new End('b').open();
    const rude = new Rude(new End('r'), 'b');
    await run(10);
    rude.stream?.write(new Uint8Array([0, 1, 0, 1, 0, 0, 0, 0, 49]));
    await run(100);
    expect([rude.isClosed, b.streams.count]).toEqual([true, 0]);
  });

  it('who listen and never greet are given up', async () => {
    const a = await new End('a').open();
    const silent = new End('b');
    await silent.network.listen({ host: undefined, port: PORT, backlog: undefined }, () => ({
      onData: () => {},
      onDrain: () => {},
      onClose: () => {},
    }));
    a.streams.send(`b:${PORT}`, want(1));
    await run(1_000);
    expect(a.streams.count).toBe(1);
    await run(1_500);
    expect(a.streams.count).toBe(0);
  });
});
