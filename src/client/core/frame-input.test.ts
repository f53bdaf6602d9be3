import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError, Reader } from '../../base/reader.ts';
import { Writer } from '../../base/writer.ts';
import { FrameInput } from './frame-input.ts';

const MAX = 100;

function frameOf(payload: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.buffer(payload);
  return writer.written().slice();
}

/** What comes out of the chunks, each frame as its bytes and whether it was cut. */
function framesOf(chunks: readonly Uint8Array[]): (readonly [number[], boolean])[] {
  const input = new FrameInput(MAX);
  const reader = new Reader();
  const found: (readonly [number[], boolean])[] = [];
  for (const chunk of chunks) {
    input.push(chunk);
    while (input.next(reader)) {
      found.push([[...reader.bytes.subarray(reader.at, reader.end)], input.isCut]);
    }
    // What was handed over is the network's again.
    chunk.fill(0xee);
  }
  return found;
}

describe('a stream of bytes', () => {
  it('falls into the same frames however it is cut, and long ones are skipped', () => {
    const payload = fc.uint8Array({ minLength: 0, maxLength: 300 });
    const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 12 }), cuts, (payloads, sizes) => {
        const bytes = Uint8Array.from(payloads.flatMap((one) => [...frameOf(one)]));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of [...sizes, bytes.length]) {
          chunks.push(bytes.slice(at, at + size));
          at += size;
        }
        expect(framesOf(chunks)).toEqual(
          payloads.map((one) => [
            [...one.subarray(0, one.length > MAX ? 16 : one.length)],
            one.length > MAX,
          ]),
        );
      }),
    );
  });

  it.each([[0xff, 0xff, 0xff, 0xff], [...new TextEncoder().encode('HTTP')]])(
    'that begins with %i %i %i %i is not ours',
    (...bytes) => {
      expect(() => framesOf([Uint8Array.from(bytes)])).toThrow(DecodeError);
      expect(() => framesOf(bytes.map((byte) => Uint8Array.of(byte)))).toThrow(DecodeError);
    },
  );
});
