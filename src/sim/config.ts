import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { ServerConfig } from '../config/server-config.ts';

/** The port that servers of a simulation listen at for clients. */
export const CLIENT_PORT = 2181;

/** The super user's password is "quoll". */
const SUPER_DIGEST = 'super:vBWdaCsaPaZaAnA1zvRY/Mnjqr8=';
export const SUPER_AUTH = 'super:quoll';

export type Role = 'participant' | 'observer';

/** What stands behind `server.N=`. */
export function serverLine(id: number, role: Role): string {
  return `s${id}:2888:3888:${role};${CLIENT_PORT}`;
}

/**
 * What an operator's file would make of these lines; what the lines don't say is as usual. `roles`
 * are those of the servers that the file names, by id; a server alone names none.
 */
export function simulatedConfig(
  lines: readonly string[],
  id: number,
  roles: ReadonlyMap<number, Role>,
): ServerConfig {
  const usual = [
    `clientPort=${CLIENT_PORT}`,
    'dataDir=/data',
    `DigestAuthenticationProvider.superDigest=${SUPER_DIGEST}`,
  ];
  const servers = [...roles].map(([other, role]) => `server.${other}=${serverLine(other, role)}`);
  const text = [...usual, ...(roles.size > 1 ? servers : []), ...lines].join('\n');
  const { config, problems } = loadConfig({
    file: 'zoo.cfg',
    readFile: (path) => (path.endsWith('/myid') ? `${id}\n` : text),
    environment: {},
    definitions: [],
    flags: [],
    memoryBytes: 2 ** 30,
  });
  if (config === null) throw new Error(problems.map(formatProblem).join('\n'));
  return config;
}
