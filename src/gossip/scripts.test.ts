import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runScript } from './testing/script.ts';

const FOLDER = new URL('./testdata/', import.meta.url);

/** `QUOLL_REWRITE=1` writes down what happens now; read the difference before it is committed. */
const REWRITES = process.env.QUOLL_REWRITE === '1';

describe('scripts', () => {
  it.each(readdirSync(FOLDER))('%s', (name) => {
    const file = new URL(name, FOLDER);
    const text = readFileSync(file, 'utf8');
    const result = runScript(text);
    if (REWRITES) writeFileSync(file, result);
    expect(result).toBe(REWRITES ? result : text);
  });
});
