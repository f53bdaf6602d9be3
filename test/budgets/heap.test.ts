import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Figures {
  readonly name: string;
  /** Allocated on the JavaScript heap. */
  readonly heapBytes: number;
  /** Allocated outside of it, for typed arrays. */
  readonly bufferBytes: number;
  /** Moved from one buffer to another. */
  readonly copiedBytes: number;
  /** Handed to the socket. */
  readonly sentBytes: number;
}

/**
 * Per 10,000 operations on 100 bytes of data, 16 to a turn of the loop: what was measured when this
 * was written, and half of it again, because versions of Node.js differ. They do not depend on how
 * fast or how busy a machine is: what exceeds one is a change of the code.
 */
const BUDGETS: Record<string, { heapBytes: number; copiedBytes: number; sentBytes: number }> = {
  get: { heapBytes: 1_450_000, copiedBytes: 1_000_000, sentBytes: 1_920_000 },
  // Each write is copied twice: to the outbox, and from there into the leader's batch.
  set: { heapBytes: 5_140_000, copiedBytes: 3_300_000, sentBytes: 880_000 },
  'create and delete': { heapBytes: 4_170_000, copiedBytes: 2_020_000, sentBytes: 230_000 },
  'get after set': { heapBytes: 3_640_000, copiedBytes: 2_115_000, sentBytes: 1_400_000 },
  ping: { heapBytes: 300_000, copiedBytes: 0, sentBytes: 200_000 },
};
const ALLOWANCE = 1.5;

const INSTRUMENT = `
globalThis.copied = { bytes: 0 };
{
  const original = Uint8Array.prototype.set;
  Uint8Array.prototype.set = function (source, at) {
    globalThis.copied.bytes += source.length;
    return original.call(this, source, at);
  };
}
`;

const directory = mkdtempSync(join(tmpdir(), 'quoll-budgets-'));
const figures = new Map<string, Figures>();

beforeAll(async () => {
  const file = join(directory, 'child.mjs');
  await build({
    input: new URL('./child.ts', import.meta.url).pathname,
    platform: 'node',
    external: [/^node:/],
    logLevel: 'silent',
    output: { file, format: 'esm', banner: INSTRUMENT },
    plugins: [
      {
        name: 'count the copies that a loop makes',
        transform(code, id) {
          if (!id.endsWith('base/bytes.ts')) return null;
          const counted = code.replace(
            'for (let i = from, o = at; i < to;',
            'globalThis.copied.bytes += to - from;\n  for (let i = from, o = at; i < to;',
          );
          if (counted === code) throw new Error('copyBytes has changed: count its copies anew');
          return counted;
        },
      },
    ],
  });
  // No collection happens inside a measured stretch, so that heapUsed counts every allocation.
  const flags = ['--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256'];
  const output = execFileSync(process.execPath, [...flags, file], { encoding: 'utf8' });
  for (const line of output.trim().split('\n')) {
    const parsed = JSON.parse(line) as Figures;
    figures.set(parsed.name, parsed);
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('budgets per 10,000 operations', () => {
  for (const [name, budget] of Object.entries(BUDGETS)) {
    it(`hold for ${name}`, () => {
      const measured = figures.get(name);
      expect(measured, 'the workload ran').toBeDefined();
      if (measured === undefined) return;
      expect(measured.heapBytes).toBeLessThan(budget.heapBytes * ALLOWANCE);
      expect(measured.copiedBytes).toBeLessThanOrEqual(budget.copiedBytes * ALLOWANCE);
      expect(measured.bufferBytes).toBeLessThan(1_000_000);
      // What goes over the wire is the protocol's: it has no allowance.
      expect(measured.sentBytes).toBe(budget.sentBytes);
    });
  }
});
