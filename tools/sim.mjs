// Bundles the simulator, because this line of Node.js runs no TypeScript, and runs it with the
// arguments given.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const file = resolve('.tmp/sim/main.mjs');
await build({
  input: 'src/sim/main.ts',
  platform: 'node',
  external: [/^node:/],
  logLevel: 'warn',
  output: { file, format: 'esm', sourcemap: true },
});
process.setSourceMapsEnabled(true);
if (!process.argv.includes("--build")) await import(pathToFileURL(file).href);
