import type { ServerConfig } from '../config/server-config.ts';
import type { Secrets } from '../io/secrets.ts';
import type { Replica } from '../replica/replica.ts';
import { Authenticator } from '../server/auth.ts';
import type { ServerContext } from '../server/context.ts';
import { OutputPool } from '../server/output.ts';
import { Counters, Traffic } from '../server/stats.ts';

/** What the connections of one server share, from its configuration. */
export function createContext(options: {
  config: ServerConfig;
  replica: Replica;
  secrets: Secrets;
  /** False while appends would find no space. */
  hasRoom: () => boolean;
  fourLetterWord: ServerContext['fourLetterWord'];
}): ServerContext {
  const { config, replica, secrets, hasRoom, fourLetterWord } = options;
  const { enforceAuthSchemes } = config;
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
    },
    authenticator: new Authenticator(
      {
        digestEnabled: config.digestEnabled,
        digestAlgorithm: config.digestAlg,
        superDigest: config.superDigest ?? null,
      },
      secrets,
    ),
    secrets,
    pool: new OutputPool(),
    traffic: new Traffic(),
    counters: new Counters(),
    connections: new Set(),
    writable: hasRoom,
    memoryFull: () => replica.state.isFull,
    fourLetterWord,
  };
}
