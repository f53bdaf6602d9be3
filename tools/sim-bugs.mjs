// Plants bugs into builds of the simulator, and reports which it finds; see src/sim/bugs/main.ts.

import { bundle } from './bundle-sim.mjs';

const { main } = await import(await bundle('src/sim/bugs/main.ts', 'bugs'));
let builds = 0;
const load = async (edits) =>
  import(await bundle('src/sim/bugs/build.ts', `planted-${process.pid}-${++builds}`, edits));
process.exitCode = await main(process.argv.slice(2), load);
