import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { ServerConfig } from '../config/server-config.ts';

/** The port that servers of a simulation listen at for clients. */
export const CLIENT_PORT = 2181;

/** What an operator's file would make of these lines; what the lines don't say is as usual. */
export function simulatedConfig(lines: readonly string[], id: number, size: number): ServerConfig {
  const usual = [`clientPort=${CLIENT_PORT}`, 'dataDir=/data'];
  const servers = Array.from({ length: size }, (_, i) => `server.${i + 1}=s${i + 1}:2888:3888`);
  const text = [...usual, ...(size > 1 ? servers : []), ...lines].join('\n');
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
