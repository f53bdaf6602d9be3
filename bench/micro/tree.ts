/**
 * Speed and size of the znode store: a million znodes /zkload/k0000000 … with 100 bytes each.
 * Run: `npx rolldown bench/micro/tree.ts --platform node -f esm -o .tmp/tree-bench.mjs`, then
 * `node --expose-gc .tmp/tree-bench.mjs`.
 */
import { utf8Write } from '../../src/base/utf8.ts';
import { TreeLoader } from '../../src/state/tree/loader.ts';
import { Tree } from '../../src/state/tree/tree.ts';

const ZNODES = Number(process.argv[2] ?? 1_000_000);
const SLICE_BYTES = 262_144;
const SEED: readonly [number, number] = [0x1234_5678, 0x0bad_cafe];

const path = new Uint8Array(64);
const data = new Uint8Array(100).fill(7);

function writePath(i: number): number {
  return utf8Write(`/zkload/k${String(i).padStart(7, '0')}`, path, 0);
}

function residentMb(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().rss / 1e6;
}

/** Prints what one of `count` calls takes: on average, and in the best of a hundred batches. */
function measure(name: string, count: number, call: (i: number) => void): void {
  const batch = Math.ceil(count / 100);
  let best = Number.POSITIVE_INFINITY;
  const started = performance.now();
  for (let from = 0; from < count; from += batch) {
    const to = Math.min(from + batch, count);
    const batchStarted = performance.now();
    for (let i = from; i < to; i++) call(i);
    best = Math.min(best, (performance.now() - batchStarted) / (to - from));
  }
  const ms = performance.now() - started;
  const rate = Math.round((count / ms) * 1000).toLocaleString('en');
  const mean = ((ms / count) * 1e6).toFixed(0).padStart(6);
  console.log(
    `${name.padEnd(28)} ${rate.padStart(10)} /s ${mean} ns, best ${(best * 1e6).toFixed(0)}`,
  );
}

function scattered(i: number): number {
  return Number((BigInt(i) * 7_368_787n) % BigInt(ZNODES));
}

const order = Int32Array.from({ length: ZNODES }, (_, i) => scattered(i));
const paths = new Uint8Array(ZNODES * 16);
for (let i = 0; i < ZNODES; i++) {
  writePath(order[i] as number);
  paths.set(path.subarray(0, 16), i * 16);
}

function fill(tree: Tree, count: number): void {
  const directory = tree.insert(tree.root, path, 1, 7, data, 0, 0, 1, 1, 0, 0, 0);
  measure('insert, settle', count, (i) => {
    const length = writePath(i);
    tree.insert(directory, path, 8, length, data, 0, 100, i, i, 0, 0, 1);
    tree.setCversion(directory, i + 1);
    tree.setPzxid(directory, i);
    tree.settle();
  });
}

writePath(0);
fill(new Tree({ seed: SEED }), 50_000);
const residentBefore = residentMb();
const tree = new Tree({ seed: SEED });
writePath(0);
fill(tree, ZNODES);
const grown = residentMb() - residentBefore;
console.log(`resident ${grown.toFixed(1)} MB, counted ${(tree.bytesUsed / 1e6).toFixed(1)} MB`);
console.log(`bytes per znode ${((grown * 1e6) / ZNODES).toFixed(1)}`);

let sum = 0;
measure('find, scattered', ZNODES, (i) => {
  sum += tree.find(paths, i * 16, i * 16 + 16);
});
measure('find, one path', ZNODES, () => {
  sum += tree.find(paths, 0, 16);
});
measure('setData, settle, scattered', ZNODES, (i) => {
  const row = (scatteredRow(i) % ZNODES) + 3;
  set(row, i);
});
measure('setData, settle, one row', ZNODES, (i) => set(5, i));
measure('begin, setData, rollback', ZNODES, (i) => {
  tree.begin();
  tree.setData(7, data, 0, 100);
  tree.setVersion(7, i);
  tree.rollback();
});

function scatteredRow(i: number): number {
  return order[i] as number;
}

function set(row: number, i: number): void {
  tree.setData(row, data, 0, 100);
  tree.setMzxid(row, i);
  tree.setMtime(row, i);
  tree.setVersion(row, i);
  tree.settle();
}

const residentFull = residentMb();
const slices: Uint8Array[] = [];
let imageMs = 0;
let sliceMsMax = 0;
let imageBytes = 0;
const image = tree.beginImage();
for (let i = 0; ; i++) {
  const started = performance.now();
  const slice = image.next(SLICE_BYTES);
  const ms = performance.now() - started;
  imageMs += ms;
  if (ms > sliceMsMax) sliceMsMax = ms;
  if (slice === null) break;
  imageBytes += slice.length;
  slices.push(slice.slice());
  for (let j = 0; j < 300; j++) set((scatteredRow((i * 300 + j) % ZNODES) % ZNODES) + 3, j);
}
const resident = residentMb() - residentFull - imageBytes / 1e6;
console.log(
  `image ${(imageBytes / 1e6).toFixed(1)} MB in ${imageMs.toFixed(0)} ms, slowest slice ` +
    `${sliceMsMax.toFixed(2)} ms, ${resident.toFixed(1)} MB more resident under writes`,
);
for (let run = 0; run < 3; run++) {
  const started = performance.now();
  const cpuStarted = process.cpuUsage();
  const loader = new TreeLoader({ seed: SEED });
  for (const slice of slices) loader.accept(slice);
  const accepted = performance.now();
  const loaded = loader.finish();
  const ended = performance.now();
  const cpu = process.cpuUsage(cpuStarted);
  console.log(
    `load ${(ended - started).toFixed(0)} ms (copying ${(accepted - started).toFixed(0)}; cpu user ` +
      `${(cpu.user / 1000).toFixed(0)}, system ${(cpu.system / 1000).toFixed(0)}), ` +
      `${loaded.count} znodes`,
  );
}
if (sum === 0) throw new Error('nothing was found');
