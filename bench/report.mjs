// What a run found, as a table for a terminal, as markdown, and as JSON.
import { describeGoal, judge } from './goals.mjs';
import { describeMachine } from './machine.mjs';
import { formatNumber, formatValue, median, spread } from './stats.mjs';

const NAMES = { quoll: 'Quoll', zookeeper: 'ZooKeeper', server: 'server' };
/** Above this the generator may be what was measured. */
const GENERATOR_CORES_MAX = 0.85;
const SPREAD_MAX = 0.15;

function verdict(reached) {
  if (reached === null) return '–';
  return reached ? 'yes' : 'no';
}

function describeFloors(floors, unit) {
  const parts = Object.entries(floors).map(
    ([name, value]) => `${name} ${formatValue(value, unit)}`,
  );
  return parts.join(', ') || '–';
}

function cellsOf(row, names, hasPeer) {
  const { medians, floors, ratio, reached } = judge(row);
  return [
    row.error ? `${row.title} (failed: ${row.error})` : row.title,
    ...names.map((name) => formatValue(medians[name], row.unit)),
    ...(hasPeer ? [ratio === null ? '–' : `${formatNumber(ratio)}×`] : []),
    describeFloors(floors, row.unit),
    row.goals.map((goal) => describeGoal(goal, row.unit)).join(' or ') || '–',
    verdict(reached),
  ];
}

function tableOf({ rows, servers }) {
  const hasPeer = servers.includes('zookeeper');
  const ratio = hasPeer ? ['ratio'] : [];
  const head = [
    'case',
    ...servers.map((name) => NAMES[name]),
    ...ratio,
    'floor',
    'goal',
    'reached',
  ];
  return [head, ...rows.map((row) => cellsOf(row, servers, hasPeer))];
}

/** What a reader should know before believing a row. */
export function warningsOf(row) {
  const warnings = [];
  for (const [name, samples] of Object.entries({ ...row.samples, ...row.floors })) {
    const width = spread(samples);
    if (width > SPREAD_MAX)
      warnings.push(`${row.title}: ${name} varies by ±${Math.round(width * 100)} %`);
    const details = Array.isArray(row.details[name]) ? row.details[name] : [];
    const cores = median(details.map((sample) => sample.generatorCores ?? 0));
    if (cores > GENERATOR_CORES_MAX)
      warnings.push(
        `${row.title}: against ${name} the generator used ${formatNumber(cores)} cores`,
      );
    const errors = details.reduce((sum, sample) => sum + (sample.errors ?? 0), 0);
    if (errors) warnings.push(`${row.title}: ${name} answered ${errors} requests with errors`);
  }
  return warnings;
}

export function terminalReport(result) {
  const table = tableOf(result);
  const widths = table[0].map((_, column) =>
    Math.max(...table.map((cells) => cells[column].length)),
  );
  const lines = table.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  const warnings = result.rows.flatMap(warningsOf);
  return `${describeMachine(result.machine)}\n\n${[...lines, '', ...warnings].join('\n').trimEnd()}\n`;
}

export function markdownReport(result) {
  const { machine, versions, options } = result;
  const table = tableOf(result);
  const lines = table.map((cells) => `| ${cells.join(' | ')} |`);
  lines.splice(1, 0, `|${' --- |'.repeat(table[0].length)}`);
  const subjects = Object.entries(versions).map(([name, version]) => `${NAMES[name]} ${version}`);
  const rounds = `${options.rounds} rounds of ${options.seconds} s, medians`;
  const warnings = [...result.rows.flatMap(warningsOf)].map((text) => `- ${text}`);
  const head = `${machine.at.slice(0, 10)}: ${subjects.join(', ')}. ${describeMachine(machine)}. ${rounds}.`;
  return `${[head, '', ...lines, ...(warnings.length ? ['', ...warnings] : [])].join('\n')}\n`;
}

export function jsonReport(result) {
  const rows = result.rows.map((row) => ({ ...row, ...judge(row), floorSamples: row.floors }));
  return `${JSON.stringify({ ...result, rows }, null, 2)}\n`;
}
