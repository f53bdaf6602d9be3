// Bundles the simulator and runs it with the arguments given; with `--build` it is only bundled.

import { bundle } from './bundle-sim.mjs';

const url = await bundle('src/sim/main.ts', 'main');
process.setSourceMapsEnabled(true);
if (!process.argv.includes('--build')) await import(url);
