import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Input } from './input.ts';

describe('bytes not handled yet', () => {
  it('stay in order, whatever is appended and consumed in between', () => {
    const step = fc.tuple(
      fc.uint8Array({ maxLength: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const input = new Input();
        let model: number[] = [];
        for (const [bytes, share] of steps) {
          input.append(bytes, 0, bytes.length, 0);
          model.push(...bytes);
          const eaten = Math.floor(share * model.length);
          input.consume(input.from + eaten);
          model = model.slice(eaten);
          expect([...input.bytes.subarray(input.from, input.to)]).toEqual(model);
        }
      }),
    );
  });

  it('make room for the whole frame at once when its length is known', () => {
    const input = new Input();
    input.append(new Uint8Array(10), 0, 10, 1_000_004);
    const buffer = input.bytes;
    for (let i = 0; i < 999; i++) input.append(new Uint8Array(1000), 0, 1000, 1_000_004);
    expect(input.bytes).toBe(buffer);
  });

  it('hold no memory when there are none', () => {
    const input = new Input();
    input.append(new Uint8Array(5000), 0, 5000, 0);
    input.consume(input.to);
    expect(input.bytes.length).toBe(0);
  });
});
