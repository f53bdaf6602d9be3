import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GOSSIP_PACKET_BYTES_MAX } from '../../base/limits.ts';
import { message as messages } from '../../gossip/testing/arbitraries.ts';
import { NodeChecksums } from '../../io/node/checksums.ts';
import { NodeCiphers } from '../../io/node/ciphers.ts';
import { NodeSecrets } from '../../io/node/secrets.ts';
import { Frames } from './frames.ts';
import { Seal } from './seal.ts';

const RUNS = Number(process.env.QUOLL_FUZZ_COUNT ?? 500);
const KEY = new Uint8Array(32).fill(1);
const OURS = new Uint8Array(16).fill(1);
const THEIRS = new Uint8Array(16).fill(2);
const COMPANY = new Uint8Array(24);

function newFrames({ keys = [KEY], clusterId = OURS, id = 'aa'.repeat(16) } = {}): Frames {
  const checksums = new NodeChecksums();
  const secrets = new NodeSecrets();
  const seal = new Seal({ ciphers: new NodeCiphers(), checksums, secrets, life: 1 });
  seal.setKeys(keys);
  return new Frames({ id, clusterId, checksums, seal });
}

const plain = { keys: [] };

function droppedBy(frames: Frames): Record<string, number> {
  return Object.fromEntries(Object.entries(frames.dropped).filter(([, count]) => count > 0));
}

describe.each([
  ['sealed', {}],
  ['plain', plain],
])('frames that are %s', (_, options) => {
  it('come through as they were, packets and streams', () => {
    const [one, other] = [newFrames(options), newFrames({ ...options, id: 'bb'.repeat(16) })];
    fc.assert(
      fc.property(messages, (message) => {
        const packet = one.packet(message);
        if (packet !== null) {
          expect(packet.length).toBeLessThanOrEqual(GOSSIP_PACKET_BYTES_MAX);
          expect(other.openPacket(packet)).toEqual({ from: 'aa'.repeat(16), message });
        }
        const streamed = one.streamed(message, COMPANY);
        expect(other.openStreamed(streamed, COMPANY)).toEqual({ from: 'aa'.repeat(16), message });
      }),
      { numRuns: RUNS },
    );
    expect(droppedBy(other)).toEqual({});
  });

  it('survive whatever comes, and remember nothing of it', () => {
    const frames = newFrames(options);
    const bytes = fc.uint8Array({ maxLength: 2_000 });
    const likely = fc
      .tuple(fc.constantFrom(0x10, 0x11), bytes)
      .map(([first, rest]) => new Uint8Array([first, ...rest]));
    fc.assert(
      fc.property(fc.oneof(bytes, likely), (packet) => {
        expect(frames.openPacket(packet)).toBeNull();
        expect(frames.openStreamed(packet, COMPANY)).toBeNull();
        expect(frames.isGreeting(packet, COMPANY)).toBe(false);
      }),
      { numRuns: RUNS },
    );
    expect(frames.sendersKnown).toBe(0);
  });
});

/** A checksum keeps no one out: everything behind it has to bear whatever comes. */
it('content that makes no sense is dropped behind a good seal, too', () => {
  const [sealed, open] = [newFrames(), newFrames(plain)];
  const checksums = new NodeChecksums();
  const secrets = new NodeSecrets();
  const makers = [[KEY], []].map((keys) => {
    const seal = new Seal({ ciphers: new NodeCiphers(), checksums, secrets, life: 1 });
    seal.setKeys(keys);
    return seal;
  });
  const cluster = new Uint8Array(4);
  new DataView(cluster.buffer).setUint32(0, checksums.crc32(OURS, 0, 16, 0));
  const content = fc
    .tuple(fc.integer({ min: 0, max: 14 }), fc.uint8Array({ maxLength: 300 }))
    .map(([type, rest]) => new Uint8Array([1, ...cluster, type, ...rest]));
  fc.assert(
    fc.property(content, (bytes) => {
      for (const [i, frames] of [sealed, open].entries()) {
        const packet = makers[i]?.seal(bytes, new Uint8Array(0)) ?? bytes;
        const frame = frames.openPacket(packet);
        // By chance it may be a message: then a whole one.
        if (frame !== null) expect(newFrames(plain).packet(frame.message)).not.toBeNull();
      }
    }),
    { numRuns: RUNS },
  );
  expect(Object.keys(droppedBy(sealed))).toEqual(['malformed']);
});

describe('what is dropped is counted by its reason', () => {
  const rumours = { type: 'rumours', facts: [] } as const;
  const packetOf = (frames: Frames): Uint8Array => frames.packet(rumours) as Uint8Array;

  it.each([
    ['a packet without a key', newFrames(plain), newFrames(), 'noKey'],
    ['a packet with one where there is none', newFrames(), newFrames(plain), 'unexpectedKey'],
    [
      'a packet with another key',
      newFrames({ keys: [OURS, KEY].map((_, i) => new Uint8Array(32).fill(i + 5)) }),
      newFrames(),
      'wrongKey',
    ],
    ['a packet of another cluster', newFrames({ clusterId: THEIRS }), newFrames(), 'otherCluster'],
    [
      'the same without keys',
      newFrames({ ...plain, clusterId: THEIRS }),
      newFrames(plain),
      'otherCluster',
    ],
  ])('%s', (_, from, to, reason) => {
    expect(to.openPacket(packetOf(from))).toBeNull();
    expect(droppedBy(to)).toEqual({ [reason]: 1 });
    expect(to.isGreeting(from.greeting(COMPANY), COMPANY)).toBe(false);
    expect(droppedBy(to)).toEqual({ [reason]: 2 });
    expect(to.sendersKnown).toBe(0);
  });

  it('a packet that is too long, before anything is done with it', () => {
    const frames = newFrames();
    expect(frames.openPacket(new Uint8Array(1_401).fill(0x11))).toBeNull();
    expect(droppedBy(frames)).toEqual({ oversized: 1 });
  });

  it('a packet that has come before', () => {
    const [from, to] = [newFrames(), newFrames()];
    const packet = packetOf(from);
    expect(to.openPacket(packet)).not.toBeNull();
    expect(to.openPacket(packet)).toBeNull();
    expect(to.openPacket(packetOf(from))).not.toBeNull();
    expect(droppedBy(to)).toEqual({ replayed: 1 });
  });

  it('a packet on a stream, a stream as a packet, and a frame at another place of a stream', () => {
    const [from, to] = [newFrames(), newFrames()];
    const streamed = from.streamed(rumours, COMPANY);
    expect(to.openStreamed(packetOf(from), COMPANY)).toBeNull();
    expect(to.openPacket(streamed)).toBeNull();
    expect(to.openStreamed(streamed, new Uint8Array(24).fill(1))).toBeNull();
    expect(droppedBy(to)).toEqual({ wrongKey: 3 });
  });

  it('a greeting that is none', () => {
    const [from, to] = [newFrames(), newFrames()];
    expect(to.isGreeting(from.greeting(COMPANY), COMPANY)).toBe(true);
    expect(to.isGreeting(from.streamed(rumours, COMPANY), COMPANY)).toBe(false);
    expect(droppedBy(to)).toEqual({ otherCluster: 1 });
  });
});

it('a message that fits no packet is not sent as one', () => {
  const body = new Uint8Array(1_400);
  const hash = new Uint8Array(32);
  const entries = [{ slot: 1, previous: hash, hash, body }];
  expect(newFrames().packet({ type: 'push', round: 0, isFeed: true, entries })).toBeNull();
});
