// Bundles gossip's measurements, because this line of Node.js runs no TypeScript, and runs them
// with the arguments given.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const file = resolve('.tmp/sim-gossip/main.mjs');
await build({
  input: 'src/gossip/testing/main.ts',
  platform: 'node',
  logLevel: 'warn',
  output: { file, format: 'esm', sourcemap: true },
});
process.setSourceMapsEnabled(true);
const { main } = await import(pathToFileURL(file).href);
main(process.argv.slice(2), (line) => console.log(line));
