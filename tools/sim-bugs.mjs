// Plants bugs into builds of the simulator, and reports which it finds; see src/sim/bugs/main.ts.
// With `--hunter` this is one of the processes in which they are hunted.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle-sim.mjs';

const file = fileURLToPath(import.meta.url);
const words = process.argv.slice(2);
const { main, hunt } = await import(await bundle('src/sim/bugs/main.ts', `bugs-${process.pid}`));
if (words.includes('--hunter')) {
  let builds = 0;
  const load = async (edits) =>
    import(await bundle('src/sim/bugs/build.ts', `planted-${process.pid}-${++builds}`, edits));
  process.on('message', async (task) => process.send(await hunt(task, load)));
  process.send('ready');
} else process.exitCode = await main(words, startHunter);

/** Ends with an error when its process does. */
function startHunter() {
  const child = fork(file, ['--hunter']);
  const ended = new Promise((_, reject) => {
    child.once('exit', (code) => reject(new Error(`a hunter ended with ${code}`)));
  });
  // Behind its last answer nobody waits for it any more.
  ended.catch(() => {});
  const answer = () =>
    Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  const ready = answer();
  return {
    hunt: async (task) => {
      await ready;
      child.send(task);
      return answer();
    },
    stop: () => child.disconnect(),
  };
}
