import type { Derivation, DerivedText } from './derivation.ts';
import { wordOf } from './derivation.ts';
import { deriveEnsemble, deriveManners } from './derive-ensemble.ts';
import { deriveGossip } from './derive-gossip.ts';
import { deriveJoin } from './derive-join.ts';
import { deriveClientPort, deriveLimits, deriveSessions } from './derive-network.ts';
import { deriveSecurity } from './derive-security.ts';
import { deriveStorage } from './derive-storage.ts';
import type { Problem } from './problem.ts';
import type { LogFormat, LogLevel, ServerConfig } from './server-config.ts';
import type { Settings } from './settings.ts';

export interface Derived {
  readonly config: ServerConfig;
  readonly derived: ReadonlyMap<string, DerivedText>;
}

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const LOG_FORMATS: readonly LogFormat[] = ['auto', 'pretty', 'json'];

/** Turns settings into what the server wants to know, and reports what contradicts itself. */
export function deriveConfig(
  settings: Settings,
  machine: Pick<Derivation, 'memoryBytes' | 'readFile'>,
  problems: Problem[],
): Derived {
  const { memoryBytes, readFile } = machine;
  const d: Derivation = { settings, memoryBytes, readFile, problems, derived: new Map() };
  const manners = deriveManners(d);
  const { ensemble, own } = deriveEnsemble(d, manners);
  const config: ServerConfig = {
    ensemble,
    gossip: deriveGossip(d, ensemble),
    join: deriveJoin(d, manners),
    ...deriveClientPort(d, own),
    ...deriveSessions(d, ensemble?.heartbeatIntervalMs ?? 0),
    ...deriveLimits(d),
    ...deriveStorage(d),
    ...deriveSecurity(d),
    reconfigEnabled: settings.boolean('reconfigEnabled'),
    logLevel: wordOf(d, 'quoll.logLevel', LOG_LEVELS),
    logFormat: wordOf(d, 'quoll.logFormat', LOG_FORMATS),
  };
  return { config: deepFreeze(config), derived: d.derived };
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}
