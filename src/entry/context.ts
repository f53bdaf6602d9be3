import type { ServerConfig } from '../config/server-config.ts';
import type { Secrets } from '../io/secrets.ts';
import type { Replica } from '../replica/replica.ts';
import { Authenticator } from '../server/auth.ts';
import { ConnectionThrottle } from '../server/connection-throttle.ts';
import type { ServerContext } from '../server/context.ts';
import { OutputPool } from '../server/output.ts';
import { InFlight } from '../server/pending.ts';
import { Counters, Traffic } from '../server/stats.ts';

import type { Role } from './role.ts';

/** What the connections of one server share, from its configuration. */
export function createContext(options: {
  config: ServerConfig;
  replica: Replica;
  secrets: Secrets;
  /** Null: nobody can show to be on this machine. */
  localToken: string | null;
  /** False while appends would find no space. */
  hasRoom: () => boolean;
  /** True while not even the reserve can hold what is appended. */
  isExhausted: () => boolean;
  fourLetterWord: ServerContext['fourLetterWord'];
  /** Null for a server alone. */
  role: Role | null;
}): ServerContext {
  const { config, replica, secrets, localToken, hasRoom, isExhausted, fourLetterWord, role } =
    options;
  const { enforceAuthSchemes } = config;
  const { thresholdBytes } = config.largeRequest;
  refuseMissingHash(config.digestAlg, secrets);
  return {
    replica,
    state: replica.state,
    limits: {
      frameBytesMax: config.juteMaxbuffer,
      minSessionTimeoutMs: config.minSessionTimeoutMs,
      maxSessionTimeoutMs: config.maxSessionTimeoutMs,
      connectionsPerAddressMax: config.maxClientCnxns,
      connectionsMax: config.maxCnxns,
      handshakeTimeoutMs: config.sessionlessTimeoutMs,
      enforceAuthSchemes: enforceAuthSchemes.length > 0 ? enforceAuthSchemes : null,
      outstandingMax: config.globalOutstandingLimit,
      largeRequestBytes: thresholdBytes > 0 ? thresholdBytes : Number.POSITIVE_INFINITY,
      largeRequestsBytesMax: config.largeRequest.maxBytes,
      linearizableReads: config.ensemble?.linearizableReads ?? false,
    },
    authenticator: new Authenticator(
      {
        digestEnabled: config.digestEnabled,
        digestAlgorithm: config.digestAlg,
        superDigest: config.superDigest ?? null,
        localToken,
      },
      secrets,
    ),
    secrets,
    pool: new OutputPool(),
    traffic: new Traffic(),
    counters: new Counters(),
    connections: new Set(),
    inFlight: new InFlight(),
    throttle: new ConnectionThrottle(config.connectionThrottle, replica.clock.monotonicMs(), () =>
      randomFraction(secrets),
    ),
    writable: hasRoom,
    attachable: () => !isExhausted(),
    readOnly: () => role?.isReadOnly ?? false,
    refusesClients: () => role?.refusesClients ?? false,
    memoryFull: () => replica.state.isFull,
    fourLetterWord,
  };
}

/** A hash that this build of Node.js lacks is found at the start, not by the first who signs in. */
function refuseMissingHash(algorithm: string, secrets: Secrets): void {
  if (secrets.digest(algorithm, new Uint8Array(0)) !== null) return;
  throw new Error(
    `DigestAuthenticationProvider.digestAlg: the cryptography of this Node.js has no ${algorithm}`,
  );
}

/** From 0 up to, but not including, 1. */
export function randomFraction(secrets: Secrets): number {
  const bytes = secrets.randomBytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
}

/** In thousandths of what the limits allow: requests in flight, connections. */
export function loadOf({ inFlight, connections, limits }: ServerContext): number {
  const { outstandingMax, connectionsMax } = limits;
  const requests = inFlight.requests / Math.max(1, outstandingMax);
  const share = connectionsMax > 0 ? connections.size / connectionsMax : 0;
  return Math.min(1_000, Math.round(1_000 * Math.max(requests, share)));
}
