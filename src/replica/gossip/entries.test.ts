import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeChecksums } from '../../io/node/checksums.ts';
import type { Entry } from '../../paxos/entry.ts';
import { chainHash, GENESIS_HASH } from '../../storage/record.ts';
import { fromCarried, isGenuine, toCarried } from './entries.ts';

const chain = chainHash(new NodeChecksums());

const entries: fc.Arbitrary<Entry> = fc
  .record({
    slot: fc.integer({ min: 1, max: 2 ** 50 }),
    round: fc.integer({ min: 0, max: 2 ** 50 }),
    replica: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    kind: fc.integer({ min: 0, max: 255 }),
    body: fc.uint8Array({ maxLength: 50 }),
  })
  .map((entry) => {
    const { slot, round, kind, replica, body } = entry;
    return {
      ...entry,
      hash: new Uint8Array(chain(GENESIS_HASH, slot, round, kind, replica, body)),
    };
  });

describe('an entry that gossip carries', () => {
  it('comes out as it went in, and its hash covers all of it', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const carried = toCarried(entry, GENESIS_HASH);
        expect(fromCarried(carried)).toEqual(entry);
        expect(isGenuine(chain, carried)).toBe(true);
      }),
    );
  });

  it('is not genuine with any byte changed, in another slot, or behind another one', () => {
    fc.assert(
      fc.property(entries, fc.nat(), (entry, at) => {
        const carried = toCarried(entry, GENESIS_HASH);
        const body = carried.body.slice();
        body[at % body.length] = (body[at % body.length] ?? 0) ^ 1;
        expect(isGenuine(chain, { ...carried, body })).toBe(false);
        expect(isGenuine(chain, { ...carried, slot: carried.slot + 1 })).toBe(false);
        expect(isGenuine(chain, { ...carried, previous: carried.hash })).toBe(false);
      }),
    );
  });

  it('refers to nothing of the one it was made of: a leader uses those bytes again', () => {
    const body = new Uint8Array([1, 2, 3]);
    const hash = chain(GENESIS_HASH, 1, 1, 0, 1, body);
    const carried = toCarried({ slot: 1, round: 1, replica: 1, kind: 0, body, hash }, GENESIS_HASH);
    body.fill(9);
    hash.fill(9);
    expect(isGenuine(chain, carried)).toBe(true);
  });

  it('is none if it is too short, or under no round that there can be', () => {
    const carried = { slot: 1, previous: GENESIS_HASH, hash: GENESIS_HASH };
    expect(fromCarried({ ...carried, body: new Uint8Array(12) })).toBeNull();
    expect(isGenuine(chain, { ...carried, body: new Uint8Array(12) })).toBe(false);
    expect(fromCarried({ ...carried, body: new Uint8Array(13).fill(255) })).toBeNull();
  });
});
