import { type Figures, measure, measureFalseAlarms, type Setting } from './measure.ts';

export const USAGE = `npm run sim:gossip -- [--members 10,100,1000] [--loss 0,0.05] [--voters 3] [--samples 30]
                      [--seed 1] [--false-alarms MEMBERS]

Prints the figures of docs/gossip.md as tables. 1,000 members take some minutes.`;

type Say = (line: string) => void;

/** What the tool does with its arguments; the tool itself knows where lines go. */
export function main(words: readonly string[], say: Say): void {
  const flags = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) flags.set(words[i] ?? '', words[i + 1] ?? '');
  const list = (name: string, otherwise: string) =>
    (flags.get(`--${name}`) ?? otherwise).split(',').filter(Boolean).map(Number);
  if (flags.has('--help')) {
    say(USAGE);
    return;
  }
  const [seed = 1] = list('seed', '1');
  const settings = list('members', '10,100,1000').flatMap((members) =>
    list('voters', '3').flatMap((voters) =>
      list('loss', '0,0.05').map((loss): Setting => ({ members, voters, loss, seed })),
    ),
  );
  if (settings.length > 0) sayFigures(settings, list('samples', '30')[0] ?? 30, say);
  for (const members of list('false-alarms', '100')) sayFalseAlarms(members, seed, say);
}

const COLUMNS: readonly (readonly [string, (figures: Figures) => string])[] = [
  ['members', ({ members }) => `${members}`],
  ['voters', ({ voters }) => `${voters}`],
  ['loss', ({ loss }) => `${loss * 100} %`],
  ['messages per member per s', ({ messages }) => messages.toFixed(1)],
  ['bytes per member per s', ({ bytes }) => bytes.toFixed(0)],
  ['first probe of a dead one, periods', ({ probePeriods }) => probePeriods.toFixed(2)],
  ['first suspicion, s', ({ suspectedMs }) => seconds(suspectedMs)],
  ['everyone knows, s', ({ everyoneMs }) => seconds(everyoneMs)],
  ['delivery p50, ms', ({ deliveryP50 }) => deliveryP50.toFixed(0)],
  ['delivery p99, ms', ({ deliveryP99 }) => deliveryP99.toFixed(0)],
  ['last replica p50, ms', ({ lastP50 }) => lastP50.toFixed(0)],
  ['last replica p99, ms', ({ lastP99 }) => lastP99.toFixed(0)],
  ['last replica max, ms', ({ lastMax }) => lastMax.toFixed(0)],
  ['copies per replica', ({ copies }) => copies.toFixed(3)],
  ['leader egress, logs', ({ leaderCopies }) => leaderCopies.toFixed(2)],
  ['20 % crash: worst delivery, ms', ({ crashWorstMs }) => crashWorstMs.toFixed(0)],
  ['20 % crash: last replica within 1 s again after, ms', (f) => f.crashRepairMs.toFixed(0)],
  ['20 % crash: everyone knows, s', ({ crashKnownMs }) => seconds(crashKnownMs)],
];

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

/** A column a setting, because there are more figures than settings. */
function sayFigures(settings: readonly Setting[], samples: number, say: Say): void {
  const all = settings.map((setting) => {
    const figures = measure(setting, samples);
    say(`measured ${setting.members} members, ${setting.loss * 100} % loss`);
    return figures;
  });
  COLUMNS.forEach(([name, print], row) => {
    say(`| ${[name, ...all.map(print)].join(' | ')} |`);
    if (row === 0) say(`|${' --- |'.repeat(all.length + 1)}`);
  });
}

function sayFalseAlarms(members: number, seed: number, say: Say): void {
  if (members === 0) return;
  say('');
  say(`| ${members} members, a tenth slow | false suspicions | false deaths |`);
  say('| --- | --- | --- |');
  for (const [lifeguard, tells] of [
    [false, false],
    [true, false],
    [true, true],
  ] as const) {
    const { suspicions, deaths } = measureFalseAlarms(members, 0.1, lifeguard, tells, seed, 300);
    const name = `Lifeguard ${lifeguard ? 'on' : 'off'}${tells ? ', stalls told' : ''}`;
    say(`| ${name} | ${suspicions} | ${deaths} |`);
  }
}
