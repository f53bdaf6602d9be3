import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeChecksums } from '../io/node/checksums.ts';
import { SimChecksums } from './checksums.ts';

const sums = new SimChecksums(new NodeChecksums());
const bytes = fc.uint8Array({ maxLength: 200 });
const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');

describe("the simulator's hash", () => {
  it('is the same for two parts as for both joined, and looks at nothing else', () => {
    fc.assert(
      fc.property(bytes, bytes, (head, tail) => {
        const joined = new Uint8Array([9, ...head, ...tail, 9]);
        const whole = sums.sha256(joined, 1, joined.length - 1);
        expect(hex(sums.sha256Joined(head, tail))).toBe(hex(whole));
        expect(whole).toHaveLength(32);
      }),
    );
  });

  it('differs when any bit differs, or a zero is added', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (original, at) => {
        const flipped = original.slice();
        const bit = at % Math.max(1, 8 * original.length);
        if (original.length > 0)
          flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        else return;
        const longer = new Uint8Array([...original, 0]);
        const digests = [original, flipped, longer].map((each) =>
          hex(sums.sha256(each, 0, each.length)),
        );
        expect(new Set(digests).size).toBe(3);
      }),
    );
  });

  it('leaves 128-bit pieces that do not repeat among many short inputs', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 65_536; i++) {
      const digest = hex(sums.sha256(new Uint8Array([i & 255, i >> 8]), 0, 2));
      seen.add(digest.slice(0, 32));
      seen.add(digest.slice(32));
    }
    expect(seen.size).toBe(2 * 65_536);
  });
});
