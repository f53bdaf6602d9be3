import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elapsedMs, InFlight, Pending, PendingKind } from './pending.ts';

interface Model {
  kind: number;
  xid: number;
  bytes: number[];
}

function headOf(pending: Pending): Model {
  const { kind, xid, detail, extra } = pending;
  const isRequest = kind === PendingKind.request;
  return { kind, xid, bytes: isRequest ? [...pending.bytes.subarray(detail, extra)] : [] };
}

describe('requests without a reply yet', () => {
  it('come out in the order in which they went in, with their bytes', () => {
    const step = fc.oneof(
      fc.record({ push: fc.constant('write'), bytes: fc.constant(new Uint8Array(0)) }),
      fc.record({ push: fc.constant('request'), bytes: fc.uint8Array({ maxLength: 600 }) }),
      fc.record({ push: fc.constant('pop'), bytes: fc.constant(new Uint8Array(0)) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pending = new Pending(new InFlight());
        const model: Model[] = [];
        steps.forEach(({ push, bytes }, i) => {
          if (push === 'write') {
            pending.push(PendingKind.write, i, 1, 2);
            model.push({ kind: PendingKind.write, xid: i, bytes: [] });
          } else if (push === 'request') {
            const padded = Uint8Array.of(99, ...bytes, 99);
            pending.pushRequest(padded, 1, padded.length - 1, 0);
            model.push({ kind: PendingKind.request, xid: 0, bytes: [...bytes] });
          } else if (model.length > 0) {
            expect(headOf(pending)).toEqual(model.shift());
            pending.pop();
          }
          expect(pending.count).toBe(model.length);
          expect(pending.kind).toBe(model[0]?.kind ?? 0);
          expect(pending.requests).toBe(model.filter((m) => m.kind === PendingKind.request).length);
        });
        for (const expected of model) {
          expect(headOf(pending)).toEqual(expected);
          pending.pop();
        }
      }),
    );
  });

  it('reuses its buffer once it is empty, so that a long connection does not grow', () => {
    const pending = new Pending(new InFlight());
    for (let i = 0; i < 10_000; i++) {
      pending.pushRequest(new Uint8Array(100), 0, 100, 0);
      pending.pop();
    }
    expect(pending.bytes.length).toBeLessThan(1000);
  });
});

describe('what is in flight', () => {
  it('is the sum of what the connections hold, whatever comes and goes in whatever order', () => {
    const step = fc.record({
      of: fc.nat(2),
      what: fc.constantFrom('write', 'large', 'request', 'pop', 'clear'),
      bytes: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const inFlight = new InFlight();
        const held = [0, 1, 2].map(() => ({ pending: new Pending(inFlight), bytes: [0].slice(1) }));
        for (const { of, what, bytes } of steps) {
          const { pending, bytes: model } = held[of] as (typeof held)[0];
          if (what === 'clear') {
            pending.clear();
            model.length = 0;
          } else if (what === 'pop') {
            if (model.length > 0) pending.pop();
            model.shift();
          } else {
            if (what === 'request') pending.pushRequest(new Uint8Array(bytes), 0, bytes, 0);
            else pending.push(PendingKind.write, 1, 1, 1);
            if (what === 'large') pending.markLarge(bytes);
            model.push(what === 'large' ? bytes : 0);
          }
          const all = held.flatMap((one) => one.bytes);
          expect(inFlight.requests).toBe(all.length);
          expect(inFlight.largeBytes).toBe(all.reduce((sum, one) => sum + one, 0));
        }
      }),
    );
  });
});

describe('the time since an arrival', () => {
  it('is exact to a microsecond, also where the microseconds no longer fit 32 bits', () => {
    const pending = new Pending(new InFlight());
    const arrivals = fc.double({ min: 0, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(arrivals, fc.double({ min: 0, max: 2e6, noNaN: true }), (arrivedMs, waitMs) => {
        pending.push(PendingKind.write, 1, 1, arrivedMs * 1000);
        const error = elapsedMs(arrivedMs + waitMs, pending.extra) - waitMs;
        pending.pop();
        expect(Math.abs(error)).toBeLessThan(0.0021);
      }),
    );
  });

  it('is nothing if the clock has not moved', () => {
    expect(elapsedMs(5, 6_000)).toBe(0);
  });
});
