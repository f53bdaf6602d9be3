import type { Connection } from '../connection.ts';
import type { ServerFacts } from '../facts.ts';
import {
  configurationText,
  digestsText,
  directoriesText,
  environmentText,
} from './configuration.ts';
import { connectionLines, resetConnections } from './connections.ts';
import { dumpText } from './dump.ts';
import { membersText } from './members.ts';
import { monitorText } from './monitor.ts';
import { readOnlyText, resetServer, serverText, statusText } from './status.ts';
import { watchesByConnection, watchesByPath, watchSummary } from './watch-lists.ts';

/** What `fourLetterWord` of ServerContext does. */
export type FourLetterWords = (
  word: string,
  connection: Connection,
  traceMask?: bigint,
) => string | null | undefined;

type Answer = (facts: ServerFacts, connection: Connection, traceMask: bigint) => string;

const ANSWERS: Readonly<Record<string, Answer>> = {
  ruok: () => 'imok',
  isro: readOnlyText,
  srvr: serverText,
  stat: statusText,
  cons: (_, connection) => connectionLines(connection, false),
  crst: (_, connection) => resetConnections(connection),
  srst: resetServer,
  conf: configurationText,
  envi: environmentText,
  dump: (_, { context }) => dumpText(context),
  wchs: (_, { context }) => watchSummary(context),
  wchc: (_, { context }) => watchesByConnection(context),
  wchp: (_, { context }) => watchesByPath(context),
  dirs: directoriesText,
  hash: (_, { context }) => digestsText(context),
  mbrs: membersText,
  mntr: (facts, { context }) => monitorText(facts, context),
};

/** They answer without a leader, too. */
const ALWAYS_SERVED = new Set(['ruok', 'envi', 'isro', 'gtmk', 'stmk', 'mbrs']);
const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests';
/** What telnet sends for an interrupt: IAC IP IAC DM. It ends the connection. */
const TELNET_CLOSE = '\xff\xf4\xff\xfd';
/** Client requests, sessions and warnings: ZooKeeper's default. */
const TRACE_MASK_DEFAULT = 306n;

/** The answers of one server. */
export function createFourLetterWords(facts: ServerFacts): FourLetterWords {
  const enabled = new Set(['srvr', ...facts.whitelist]);
  const answers = { ...ANSWERS, ...traceAnswers() };
  return (word, connection, traceMask) => {
    if (word === TELNET_CLOSE) return '';
    const answer = Object.hasOwn(answers, word) ? answers[word] : undefined;
    if (answer === undefined) return null;
    if (word === 'stmk' && traceMask === undefined && enabled.has(word)) return undefined;
    const { traffic, context } = connection;
    // Counted around the answer: the asker sees itself with one packet received and none sent.
    traffic.packetsReceived++;
    context.traffic.packetsReceived++;
    const refusal = refusalOf(word, facts, enabled);
    const text = refusal ?? answer(facts, connection, traceMask ?? 0n);
    traffic.packetsSent++;
    context.traffic.packetsSent++;
    return text;
  };
}

/** The trace mask is kept and told; there is no trace that it could switch. */
function traceAnswers(): Readonly<Record<string, Answer>> {
  let kept = TRACE_MASK_DEFAULT;
  return {
    gtmk: () => `${kept}`,
    stmk: (_facts, _connection, traceMask) => {
      kept = traceMask;
      return `${kept}`;
    },
  };
}

function refusalOf(word: string, facts: ServerFacts, enabled: Set<string>): string | null {
  if (!enabled.has(word)) {
    return `${word} is not executed because it is not in the whitelist.\n`;
  }
  if (facts.serving() || ALWAYS_SERVED.has(word)) return null;
  return word === 'hash' ? NOT_SERVING : `${NOT_SERVING}\n`;
}
