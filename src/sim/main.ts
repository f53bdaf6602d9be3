import { utf8Encode } from '../base/utf8.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { SimChecksums } from './checksums.ts';
import { drawOptions, type Options } from './options.ts';
import { Simulation, Verdict } from './simulation.ts';
import { Trace } from './trace.ts';

const USAGE = `npm run sim -- --seed S [--runs N] [options]

  --seed S       the first seed; the runs take S, S+1, …
  --runs N       how many (1)
  --jobs N       share them among so many processes (1)
  --trace        print every event that people can make sense of, and whole stacks
  --options      print what the seed has drawn
  --NAME VALUE   set an option that the seed would draw: servers, clients, safetyMs, thinkMs,
                 faultEveryMs, fragmentation, livenessMs, detectsOnly, steps=a,b,c, faults=a,b,c

Ends with 0 if all is well, 127 after a crash, 128 without progress, 129 if something was wrong.`;

const platform = {
  checksums: new SimChecksums(new NodeChecksums()),
  hashes: new NodeSecrets(),
};

interface Totals {
  virtualMs: number;
  events: number;
  calls: number;
  slots: number;
}

interface Arguments {
  readonly seed: number;
  readonly runs: number;
  readonly trace: boolean;
  readonly options: boolean;
  readonly said: Partial<Options>;
  /** As they were typed, for the command that replays a seed. */
  readonly typed: string;
}

function parseArguments(words: readonly string[]): Arguments {
  const flags = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const name = words[i]?.replace(/^--/, '') ?? '';
    const isSwitch = name === 'trace' || name === 'options';
    flags.set(name, isSwitch ? 'true' : (words[++i] ?? ''));
  }
  const own = ['seed', 'runs', 'trace', 'options'];
  const others = [...flags].filter(([name]) => !own.includes(name));
  return {
    seed: Number(flags.get('seed')),
    runs: Number(flags.get('runs') ?? 1),
    trace: flags.has('trace'),
    options: flags.has('options'),
    said: Object.fromEntries(others.map(([name, text]) => [name, parsedValue(name, text)])),
    typed: others.map(([name, text]) => ` --${name} ${text}`).join(''),
  };
}

function parsedValue(name: string, text: string): unknown {
  if (name === 'steps' || name === 'faults') return text === '' ? [] : text.split(',');
  return text === 'true' || text === 'false' ? text === 'true' : Number(text);
}

/** For errors that no run is there to be told of. */
let running = 0;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Speeds are virtual time by true time, and by the time that processors have spent on it. */
function summary(
  runs: number,
  { virtualMs, events, calls, slots }: Totals,
  tookMs: number,
  cpu: NodeJS.CpuUsage,
): string {
  const cpuMs = (cpu.user + cpu.system) / 1_000;
  const [speed, cpuSpeed] = [tookMs, cpuMs].map((ms) => Math.round(virtualMs / ms));
  const virtual = `${Math.round(virtualMs / 1_000)} s in ${(tookMs / 1_000).toFixed(1)} s`;
  return (
    `${runs} runs, ${calls} calls, ${slots} slots, ${events} events, ${virtual} ` +
    `(${speed}×; ${cpuSpeed}× by processor time)`
  );
}

async function main(): Promise<number> {
  const { seed, runs, trace, options, said, typed } = parseArguments(process.argv.slice(2));
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(runs)) {
    say(USAGE);
    return 2;
  }
  // Errors are daily bread here, and their stacks are a tenth of the time.
  if (!trace) Error.stackTraceLimit = 1;
  const totals: Totals = { virtualMs: 0, events: 0, calls: 0, slots: 0 };
  const traces = new Trace();
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  let worst: number = Verdict.ok;
  for (let run = seed; run < seed + runs; run++) {
    running = run;
    const drawn = drawOptions(run, said);
    if (options) say(JSON.stringify(drawn));
    const result = await new Simulation(drawn, platform, trace ? say : null).run();
    for (const name of ['virtualMs', 'events', 'calls', 'slots'] as const) {
      totals[name] += result[name];
    }
    traces.mixBytes(utf8Encode(result.hash));
    worst = Math.max(worst, result.verdict);
    if (result.verdict !== Verdict.ok) {
      say(`${result.verdict} seed ${run}: ${result.reasons[0]}`);
      for (const reason of result.reasons.slice(1, 5)) say(`    ${reason}`);
      say(`    npm run sim -- --seed ${run}${typed} --trace`);
    } else if (runs === 1) say(`seed ${run}: trace ${result.hash}`);
  }
  say(summary(runs, totals, performance.now() - startedMs, process.cpuUsage(startedCpu)));
  if (runs > 1) say(`traces ${traces.hash}`);
  return worst;
}

process.on('unhandledRejection', (error) => {
  say(
    `127 seed ${running}: unhandled rejection: ${error instanceof Error ? error.stack : String(error)}`,
  );
  process.exit(Verdict.crash);
});
// Whoever reads may have seen enough (`| head`).
process.stdout.on('error', () => process.exit(Verdict.ok));
process.exitCode = await main();
