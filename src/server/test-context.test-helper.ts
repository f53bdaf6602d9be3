import type { ConnectionThrottleLimits } from '../base/limits.ts';
import type { Secrets } from '../io/secrets.ts';
import type { Replica } from '../replica/replica.ts';
import { Authenticator } from './auth.ts';
import { ConnectionThrottle } from './connection-throttle.ts';
import type { ServerContext, ServerLimits } from './context.ts';
import { OutputPool } from './output.ts';
import { InFlight } from './pending.ts';
import { Counters, Traffic } from './stats.ts';

export const THROTTLE_OFF: ConnectionThrottleLimits = {
  tokens: 0,
  fillTimeMs: 1,
  fillCount: 1,
  freezeTimeMs: -1,
  dropIncrease: 0.02,
  dropDecrease: 0.002,
  decreaseRatio: 0,
  weightEnabled: false,
  globalSessionWeight: 3,
  renewSessionWeight: 2,
};

/** A context with small limits, everything on, and no four-letter word but `ruok`. */
export function createServerContext(
  replica: Replica,
  secrets: Secrets,
  limits: Partial<ServerLimits> = {},
): ServerContext {
  const superDigest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';
  const localToken = 'a token';
  const auth = { digestEnabled: true, digestAlgorithm: 'SHA1', superDigest, localToken };
  return {
    replica,
    state: replica.state,
    limits: {
      frameBytesMax: 10_000,
      minSessionTimeoutMs: 2_000,
      maxSessionTimeoutMs: 20_000,
      connectionsPerAddressMax: 0,
      connectionsMax: 0,
      handshakeTimeoutMs: 5_000,
      enforceAuthSchemes: null,
      outstandingMax: Number.POSITIVE_INFINITY,
      largeRequestBytes: Number.POSITIVE_INFINITY,
      largeRequestsBytesMax: 0,
      linearizableReads: false,
      ...limits,
    },
    authenticator: new Authenticator(auth, secrets),
    secrets,
    pool: new OutputPool(),
    traffic: new Traffic(),
    counters: new Counters(),
    connections: new Set(),
    inFlight: new InFlight(),
    throttle: new ConnectionThrottle(THROTTLE_OFF, 0, () => 1),
    writable: () => true,
    attachable: () => true,
    readOnly: () => false,
    refusesClients: () => false,
    memoryFull: () => false,
    fourLetterWord: (word) => (word === 'ruok' ? 'imok' : null),
  };
}
