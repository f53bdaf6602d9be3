import type { Connection } from '../connection.ts';
import {
  configurationText,
  digestsText,
  directoriesText,
  environmentText,
} from './configuration.ts';
import { connectionLines, resetConnections } from './connections.ts';
import { dumpText } from './dump.ts';
import type { ServerFacts } from './facts.ts';
import { monitorText } from './monitor.ts';
import { readOnlyText, resetServer, serverText, statusText } from './status.ts';
import { watchesByConnection, watchesByPath, watchSummary } from './watch-lists.ts';

/** What `fourLetterWord` of ServerContext does. */
export type FourLetterWords = (
  word: string,
  connection: Connection,
  traceMask?: bigint,
) => string | null | undefined;

type Answer = (facts: ServerFacts, connection: Connection) => string;

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
  mntr: (facts, { context }) => monitorText(facts, context),
};

/** They answer without a leader; `gtmk` and `stmk` do, too. */
const ALWAYS_SERVED = new Set(['ruok', 'envi', 'isro']);
const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests';
/** What telnet sends for an interrupt: IAC IP IAC DM. It ends the connection. */
const TELNET_CLOSE = '\xff\xf4\xff\xfd';
/** Client requests, sessions and warnings: ZooKeeper's default. */
const TRACE_MASK_DEFAULT = 306n;

/** The answers of one server. The trace mask is kept and told, and switches nothing. */
export function createFourLetterWords(facts: ServerFacts): FourLetterWords {
  const enabled = new Set(['srvr', ...facts.whitelist]);
  let traceMask = TRACE_MASK_DEFAULT;

  const answer: FourLetterWords = (word, connection, mask) => {
    if (word === 'gtmk') return `${traceMask}`;
    if (word !== 'stmk') return answerOf(facts, word, connection);
    if (mask === undefined) return undefined;
    traceMask = mask;
    return `${traceMask}`;
  };

  return (word, connection, mask) => {
    if (word === TELNET_CLOSE) return '';
    if (!isWord(word)) return null;
    const { traffic, context } = connection;
    const isMaskMissing = word === 'stmk' && mask === undefined && enabled.has(word);
    if (isMaskMissing) return undefined;
    // The asker sees itself with one packet received and none sent.
    traffic.packetsReceived++;
    context.traffic.packetsReceived++;
    const text = enabled.has(word)
      ? answer(word, connection, mask)
      : `${word} is not executed because it is not in the whitelist.\n`;
    traffic.packetsSent++;
    context.traffic.packetsSent++;
    return text;
  };
}

function isWord(word: string): boolean {
  return Object.hasOwn(ANSWERS, word) || word === 'gtmk' || word === 'stmk';
}

function answerOf(facts: ServerFacts, word: string, connection: Connection): string | null {
  if (!facts.serving() && !ALWAYS_SERVED.has(word)) {
    return word === 'hash' ? NOT_SERVING : `${NOT_SERVING}\n`;
  }
  return ANSWERS[word]?.(facts, connection) ?? null;
}
