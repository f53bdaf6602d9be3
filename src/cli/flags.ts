import type { Command } from 'commander';
import type { FlagSetting } from '../config/load.ts';

interface Flag {
  /** As commander wants it. */
  readonly spelling: string;
  readonly key: string;
  readonly help: string;
  /** Typed again it adds to what was typed before, with a comma. */
  readonly repeats?: boolean;
}

interface FlagGroup {
  readonly title: string;
  readonly flags: readonly Flag[];
}

/** The keys that people reach for most; every other one can be set by -D. */
const GROUPS: readonly FlagGroup[] = [
  {
    title: 'Ensemble:',
    flags: [
      {
        spelling: '--join <host[:port]>',
        key: 'gossip.join',
        help: 'observe the ensemble that this member belongs to; repeatable, or a list with commas',
        repeats: true,
      },
    ],
  },
  {
    title: 'Network:',
    flags: [
      {
        spelling: '--client-port <port>',
        key: 'clientPort',
        help: 'port for clients; 0 picks a free one',
      },
      {
        spelling: '--client-address <host>',
        key: 'clientPortAddress',
        help: 'address for clients; 0.0.0.0 or :: for all',
      },
      {
        spelling: '--max-client-cnxns <n>',
        key: 'maxClientCnxns',
        help: 'connections per client address; 0: no limit',
      },
      {
        spelling: '--max-cnxns <n>',
        key: 'maxCnxns',
        help: 'connections in all; 0: no limit',
      },
      {
        spelling: '--jute-maxbuffer <bytes>',
        key: 'jute.maxbuffer',
        help: 'the longest request',
      },
      {
        spelling: '--4lw <words>',
        key: '4lw.commands.whitelist',
        help: "four-letter words that answer, such as 'ruok,mntr' or '*'",
      },
    ],
  },
  {
    title: 'Data:',
    flags: [
      { spelling: '--data-dir <dir>', key: 'dataDir', help: 'snapshots, and the log by default' },
      {
        spelling: '--data-log-dir <dir>',
        key: 'dataLogDir',
        help: 'the log, when it has a disk of its own',
      },
      {
        spelling: '--max-tree-bytes <size>',
        key: 'quoll.maxTreeBytes',
        help: 'memory for the tree, such as 8g',
      },
      {
        spelling: '--snap-retain-count <n>',
        key: 'autopurge.snapRetainCount',
        help: 'snapshots to keep',
      },
    ],
  },
  {
    title: 'Sessions:',
    flags: [
      { spelling: '--tick-time <ms>', key: 'tickTime', help: 'the unit of session time-outs' },
      {
        spelling: '--min-session-timeout <ms>',
        key: 'minSessionTimeout',
        help: 'the shortest time-out a client gets',
      },
      {
        spelling: '--max-session-timeout <ms>',
        key: 'maxSessionTimeout',
        help: 'the longest time-out a client gets',
      },
    ],
  },
  {
    title: 'Logs:',
    flags: [
      {
        spelling: '--log-level <level>',
        key: 'quoll.logLevel',
        help: 'debug, info, warn or error',
      },
      { spelling: '--log-format <format>', key: 'quoll.logFormat', help: 'auto, pretty or json' },
    ],
  },
];

/** Flags without a value, and the value that they stand for. */
const SWITCHES: readonly (Flag & { readonly text: string })[] = [
  {
    spelling: '--no-sync',
    key: 'forceSync',
    text: 'no',
    help: 'answer before the disk has a write: fast, and lost in a power cut',
  },
  {
    spelling: '--enforce-quota',
    key: 'enforceQuota',
    text: 'true',
    help: 'refuse writes beyond a hard quota',
  },
  {
    spelling: '--extended-types',
    key: 'extendedTypesEnabled',
    text: 'true',
    help: 'let clients create nodes with a time to live',
  },
];

/** Keys and texts of one command line, in the order in which they were typed. */
export interface ConfigArguments {
  readonly flags: FlagSetting[];
  readonly definitions: string[];
}

/** Gives a command every flag that sets a key; what is typed gathers in the result. */
export function addConfigFlags(command: Command): ConfigArguments {
  const typed: ConfigArguments = { flags: [], definitions: [] };
  for (const { title, flags } of GROUPS) {
    command.optionsGroup(title);
    for (const flag of flags) addFlag(command, flag, typed);
  }
  command.optionsGroup('Behaviour:');
  for (const flag of SWITCHES) addFlag(command, flag, typed);
  command.option('-D <key=value>', 'set any other key; repeatable, also as -Dkey=value');
  command.on('option:D', (definition: string) => typed.definitions.push(definition));
  command.optionsGroup('Other:');
  return typed;
}

function addFlag(
  command: Command,
  flag: Flag & { readonly text?: string },
  typed: ConfigArguments,
): void {
  const name = flag.spelling.split(' ')[0] ?? '';
  command.option(flag.spelling, flag.help);
  command.on(`option:${name.slice(2)}`, (value: string | null | undefined) => {
    const text = flag.text ?? value ?? '';
    const known = typed.flags.findIndex(({ key }) => flag.repeats === true && key === flag.key);
    const before = typed.flags[known];
    if (before === undefined) typed.flags.push({ flag: name, key: flag.key, text });
    else typed.flags[known] = { ...before, text: `${before.text},${text}` };
  });
}

/** Every flag by its name, for a test that compares them with the table of keys. */
export function flagKeys(): Map<string, string> {
  const all = [...GROUPS.flatMap((group) => group.flags), ...SWITCHES];
  return new Map(all.map((flag) => [flag.spelling.split(' ')[0] ?? '', flag.key]));
}
