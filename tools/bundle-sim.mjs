// Bundles the simulator, because this line of Node.js runs no TypeScript; and, for planted bugs,
// builds of it in which some expressions of the sources are replaced.

import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

/** Bundles `input` with the edits made, as .tmp/sim/NAME.mjs, and tells where it is. */
export async function bundle(input, name, edits = []) {
  const file = resolve(`.tmp/sim/${name}.mjs`);
  const left = new Set(edits);
  await build({
    input,
    platform: 'node',
    external: [/^node:/],
    logLevel: 'warn',
    plugins: edits.length === 0 ? [] : [planting(edits, left)],
    output: { file, format: 'esm', sourcemap: true },
  });
  const [unused] = left;
  if (unused !== undefined) throw new Error(`${unused.file} is no part of ${input}`);
  return pathToFileURL(file).href;
}

/** Replaces one expression of one file for each edit, and fails where it is not there any more. */
function planting(edits, left) {
  return {
    name: 'planting',
    async load(id) {
      const path = relative(resolve('src'), id);
      const here = edits.filter(({ file }) => file === path);
      if (here.length === 0) return null;
      let code = await readFile(id, 'utf8');
      for (const edit of here) {
        const count = code.split(edit.find).length - 1;
        if (count !== 1) throw new Error(`${path} has ${count} times, not once: ${edit.find}`);
        code = code.replace(edit.find, () => edit.replace);
        left.delete(edit);
      }
      return { code, moduleType: 'ts' };
    },
  };
}
