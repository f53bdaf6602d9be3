import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** `QUOLL_REWRITE=1` writes down what happens now; read the difference before it is committed. */
const REWRITES = process.env.QUOLL_REWRITE === '1';

/** Each file of the folder says what its commands bring about; a test a file. */
export function testScripts(folder: URL, run: (text: string) => string): void {
  describe('scripts', () => {
    it.each(readdirSync(folder))('%s', (name) => {
      const file = new URL(name, folder);
      const text = readFileSync(file, 'utf8');
      const result = run(text);
      if (REWRITES) writeFileSync(file, result);
      expect(result).toBe(REWRITES ? result : text);
    });
  });
}
