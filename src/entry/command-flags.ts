import type { ServerConfig } from '../config/server-config.ts';
import { CommandFlag } from '../state/command.ts';

/** What of a server's configuration goes into every command that it proposes as the leader. */
export function flagsOf(config: ServerConfig): number {
  return (
    (config.enforceQuota ? CommandFlag.enforceQuota : 0) |
    (config.extendedTypesEnabled ? CommandFlag.extendedTypes : 0) |
    (config.skipACL ? CommandFlag.skipACL : 0) |
    (config.digestEnabled ? 0 : CommandFlag.digestDisabled) |
    (config.reconfigEnabled ? CommandFlag.reconfigEnabled : 0) |
    (config.ensemble?.standaloneEnabled === true ? CommandFlag.standaloneEnabled : 0)
  );
}
