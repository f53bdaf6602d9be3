import { readFileSync } from 'node:fs';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import * as node from '../../src/entry/client.ts';
import * as browser from '../../src/entry/client-browser.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

interface Bundle {
  readonly code: string;
  readonly imports: readonly string[];
  readonly modules: readonly string[];
}

async function bundle(entry: string, format: 'esm' | 'cjs'): Promise<Bundle> {
  const build = await rolldown({ input: `${ROOT}src/entry/${entry}.ts`, external: [/^node:/] });
  const { output } = await build.generate({ format, codeSplitting: false });
  const [{ code, imports, moduleIds }] = output;
  return { code, imports, modules: moduleIds.map((id) => id.slice(ROOT.length)) };
}

describe('the package', () => {
  it('has a client for browsers that needs nothing of Node.js', async () => {
    const { code, imports, modules } = await bundle('client-browser', 'esm');
    expect(imports).toEqual([]);
    expect(modules.filter((id) => id.startsWith('src/io/node/'))).toEqual([]);
    expect(code).not.toMatch(/\b(?:Buffer|process|setImmediate|require)\b[.(]/);
  });

  it('has one for Node.js that needs nothing else', async () => {
    const { imports } = await bundle('client', 'esm');
    expect([...imports].sort()).toEqual(['node:diagnostics_channel', 'node:net', 'node:tls']);
  });

  it('can be required: nothing in it waits at the top', async () => {
    await expect(bundle('client', 'cjs')).resolves.toBeDefined();
  });

  it('exports the same from both, but for the way to the network', () => {
    const more = Object.keys(node).filter((name) => !(name in browser));
    expect(more.sort()).toEqual(['connect', 'open']);
    expect(Object.keys(browser).filter((name) => !(name in node))).toEqual([]);
  });

  it('says where each of its entries is', () => {
    const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
    expect(Object.keys(exports)).toEqual(['.', './server', './protocol', './package.json']);
    expect(exports['.'].default).toBe('./dist/client.js');
    expect(exports['.'].browser.default).toBe('./dist/client-browser.js');
  });
});
