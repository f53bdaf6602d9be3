import type { ConnectionThrottleLimits } from '../base/limits.ts';
import { type Derivation, noteDerived, report } from './derivation.ts';
import type { OwnServer } from './derive-ensemble.ts';
import { FOUR_LETTER_WORDS } from './four-letter-words.ts';
import type { ServerConfig } from './server-config.ts';

const INT_MAX = 2_147_483_647;
const TREE_BYTES_MAX = 34_359_738_368;

type ClientPort = Pick<
  ServerConfig,
  'clientPort' | 'clientPortAddress' | 'listenBacklog' | 'fourLetterWhitelist'
>;

export function deriveClientPort(d: Derivation, server: OwnServer | null): ClientPort {
  const clientPort = portOf(d, server);
  const clientPortAddress = addressOf(d, server);
  if (clientPortAddress === undefined) noteDerived(d, 'clientPortAddress', '(all addresses)');
  const backlog = d.settings.number('clientPortListenBacklog');
  return {
    clientPort,
    clientPortAddress,
    listenBacklog: backlog <= 0 ? undefined : backlog,
    fourLetterWhitelist: whitelist(d),
  };
}

/** A flag beats the server line as it beats the whole file; two lines of a file must agree. */
function portOf(d: Derivation, server: OwnServer | null): number {
  const port = d.settings.number('clientPort');
  const client = server?.client;
  if (server == null || client == null) return port;
  const source = d.settings.sourceOf('clientPort');
  if (source.kind === 'default') {
    noteDerived(d, 'clientPort', String(client.port), server.source);
    return client.port;
  }
  if (source.kind === 'file' && port !== client.port) {
    report(
      d,
      'error',
      'clientPort',
      `${port} contradicts the client port ${client.port} of ${server.name}: remove one`,
    );
  }
  return port;
}

function addressOf(d: Derivation, server: OwnServer | null): string | undefined {
  const address = withoutBrackets(d.settings.text('clientPortAddress'));
  const lineHost = server?.client?.host;
  if (server === null || lineHost === undefined) return address;
  const source = d.settings.sourceOf('clientPortAddress');
  if (source.kind === 'default') {
    noteDerived(d, 'clientPortAddress', lineHost, server.source);
    return lineHost;
  }
  if (source.kind === 'file' && address !== lineHost) {
    report(
      d,
      'error',
      'clientPortAddress',
      `contradicts the client address ${lineHost} of ${server.name}: remove one`,
    );
  }
  return address;
}

function withoutBrackets(host: string | undefined): string | undefined {
  return host?.startsWith('[') === true && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** srvr always answers, for scripts ask it whether the server runs. */
function whitelist(d: Derivation): readonly string[] {
  const listed = d.settings.words('4lw.commands.whitelist');
  if (listed.includes('*')) return [...FOUR_LETTER_WORDS];
  const isReadOnlyMode = d.settings.boolean('readonlymode.enabled');
  return FOUR_LETTER_WORDS.filter(
    (word) => listed.includes(word) || word === 'srvr' || (word === 'isro' && isReadOnlyMode),
  );
}

type Sessions = Pick<
  ServerConfig,
  'tickTimeMs' | 'minSessionTimeoutMs' | 'maxSessionTimeoutMs' | 'sessionlessTimeoutMs'
>;

/**
 * A server answers a session for a third of its time-out after a report that the leader confirmed;
 * reports leave at every heartbeat. Three heartbeats are used up by waiting for the next one, and
 * the fourth is for the ways. Below that sessions end whose clients did all they should.
 */
const HEARTBEATS_PER_SESSION_TIMEOUT_MIN = 4;

/** `heartbeatIntervalMs` is 0 for a server alone. */
export function deriveSessions(d: Derivation, heartbeatIntervalMs: number): Sessions {
  const tickTimeMs = d.settings.number('tickTime');
  const leastMs = HEARTBEATS_PER_SESSION_TIMEOUT_MIN * heartbeatIntervalMs;
  const unlessSet = (ticks: number): number => Math.max(ticks * tickTimeMs, leastMs);
  const minSessionTimeoutMs = ticksUnlessSet(d, 'minSessionTimeout', unlessSet(2));
  const maxSessionTimeoutMs = ticksUnlessSet(d, 'maxSessionTimeout', unlessSet(20));
  if (minSessionTimeoutMs < leastMs) {
    const message =
      `sessions of ${minSessionTimeoutMs} ms are shorter than ` +
      `${HEARTBEATS_PER_SESSION_TIMEOUT_MIN} heartbeats of ${heartbeatIntervalMs} ms: they could ` +
      `end although their clients ask in time; allow ${leastMs} ms or more, or lower ` +
      'quoll.heartbeatIntervalMs';
    report(d, 'error', 'minSessionTimeout', message);
  }
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const isMinSet = d.settings.get('minSessionTimeout') !== undefined;
    report(
      d,
      'error',
      isMinSet ? 'minSessionTimeout' : 'maxSessionTimeout',
      `minSessionTimeout (${minSessionTimeoutMs} ms) is above maxSessionTimeout ` +
        `(${maxSessionTimeoutMs} ms); unless set they are 2 and 20 times tickTime`,
    );
  }
  return {
    tickTimeMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    sessionlessTimeoutMs: d.settings.number('nio.sessionlessCnxnTimeout'),
  };
}

function ticksUnlessSet(d: Derivation, key: string, unlessSet: number): number {
  const value = d.settings.number(key);
  // The protocol has 32 bits for a time-out.
  const timeoutMs = Math.min(value === -1 ? unlessSet : value, INT_MAX);
  noteDerived(d, key, String(timeoutMs));
  return timeoutMs;
}

type Limits = Pick<
  ServerConfig,
  | 'maxClientCnxns'
  | 'maxCnxns'
  | 'connectionThrottle'
  | 'globalOutstandingLimit'
  | 'juteMaxbuffer'
  | 'largeRequest'
  | 'maxTreeBytes'
>;

export function deriveLimits(d: Derivation): Limits {
  const settings = d.settings;
  return {
    maxClientCnxns: Math.max(0, settings.number('maxClientCnxns')),
    maxCnxns: Math.max(0, settings.number('maxCnxns')),
    connectionThrottle: connectionThrottle(d),
    globalOutstandingLimit: settings.number('globalOutstandingLimit'),
    juteMaxbuffer: settings.number('jute.maxbuffer'),
    largeRequest: {
      thresholdBytes: settings.number('largeRequestThreshold'),
      maxBytes: settings.number('largeRequestMaxBytes'),
    },
    maxTreeBytes: maxTreeBytes(d),
  };
}

function maxTreeBytes(d: Derivation): number {
  const setting = d.settings.get('quoll.maxTreeBytes');
  if (typeof setting?.value === 'number') return setting.value;
  const share = Math.min(TREE_BYTES_MAX, Math.floor(d.memoryBytes / 2));
  noteDerived(d, 'quoll.maxTreeBytes', String(share));
  return share;
}

function connectionThrottle(d: Derivation): ConnectionThrottleLimits {
  const number = (name: string): number => d.settings.number(`connection_throttle_${name}`);
  const throttle = {
    tokens: number('tokens'),
    fillTimeMs: number('fill_time'),
    fillCount: number('fill_count'),
    freezeTimeMs: number('freeze_time'),
    dropIncrease: number('drop_increase'),
    dropDecrease: number('drop_decrease'),
    decreaseRatio: number('decrease_ratio'),
    weightEnabled: d.settings.boolean('connection_throttle_weight_enabled'),
    globalSessionWeight: number('global_session_weight'),
    renewSessionWeight: number('renew_session_weight'),
  };
  if (throttle.tokens > 0 && throttle.weightEnabled) {
    refuseTooHeavy(d, throttle.tokens, 'global_session_weight');
    refuseTooHeavy(d, throttle.tokens, 'renew_session_weight');
  }
  return throttle;
}

/** What weighs more than a full bucket has would be turned away for ever. */
function refuseTooHeavy(d: Derivation, tokens: number, name: string): void {
  const key = `connection_throttle_${name}`;
  const weight = d.settings.number(key);
  if (weight <= tokens) return;
  const full = `connection_throttle_tokens=${tokens}`;
  const message = `${weight} is more than ${full}: nobody would get in`;
  report(d, 'error', key, message);
}
