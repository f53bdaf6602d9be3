import { parseServerLine, type ServerLine } from '../protocol/server-line.ts';
import type { Problem } from './problem.ts';
import type { Setting, Settings } from './settings.ts';

export interface SingleServer {
  readonly setting: Setting;
  readonly line: ServerLine;
}

/**
 * The one server that the lines describe, or null when there is none or more than a single server
 * can be. A server that started alone although others were named would take writes that the others
 * never see, so anything else is an error.
 */
export function singleServer(settings: Settings, problems: Problem[]): SingleServer | null {
  const servers: SingleServer[] = [];
  for (const setting of settings.all()) {
    if (setting.key.name !== 'server.<id>') continue;
    const fault = addServer(setting, servers);
    if (fault === null) continue;
    const { source, name } = setting;
    problems.push({ severity: 'error', source, key: name, message: fault });
  }
  const only = servers[0];
  if (only === undefined) return null;
  if (servers.length === 1 && only.line.role === 'participant') return only;
  problems.push({
    severity: 'error',
    source: only.setting.source,
    key: servers.map((server) => server.setting.name).join(', '),
    message:
      'Quoll runs as a single server for now; ensembles come in the next release. Keep one ' +
      'server line (a voter) or none to run alone, and keep ZooKeeper for the others until then',
  });
  return null;
}

function addServer(setting: Setting, servers: SingleServer[]): string | null {
  if (!/^server\.\d{1,19}$/.test(setting.name)) return 'must be server.<number>';
  const line = parseServerLine(setting.text);
  if (typeof line === 'string') return line;
  servers.push({ setting, line });
  return null;
}
