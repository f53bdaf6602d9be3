import { type EnsembleText, isVoter, type NamedServer } from '../protocol/ensemble-text.ts';
import { type Derivation, report } from './derivation.ts';

/** Looks for what can be read but would not work, or not as well as it seems. */
export function checkServers(d: Derivation, { servers, hierarchical }: EnsembleText): void {
  checkEndpoints(d, servers);
  for (const { id, addresses } of servers) {
    const nowhere = addresses.find(({ host }) => host === '0.0.0.0' || host === '::');
    if (nowhere === undefined) continue;
    const message =
      `${nowhere.host} tells nobody where to find it, and all servers go by one list: write its ` +
      'name; quorumListenOnAllIPs=true listens on all addresses';
    report(d, 'warning', `server.${id}`, message);
  }
  const voters = servers.filter(isVoter);
  if (hierarchical) {
    checkWeights(d, voters);
    return;
  }
  if (voters.length % 2 === 1) return;
  const { length } = voters;
  const last = voters.at(-1) as NamedServer;
  const message = `${length} voters survive no more failures than ${length - 1}: make it one more or less`;
  report(d, 'warning', `server.${last.id}`, message);
}

/** Half of an even weight decides nothing, so the last vote of such a group buys nothing. */
function checkWeights(d: Derivation, voters: readonly NamedServer[]): void {
  for (const group of new Set(voters.map((voter) => voter.group))) {
    const members = voters.filter((voter) => voter.group === group);
    const weight = members.reduce((sum, voter) => sum + voter.weight, 0);
    if (weight === 0 || weight % 2 === 1) continue;
    const message = `its weight is even (${weight}): half of it decides nothing, so make it odd`;
    report(d, 'warning', `group.${group}`, message);
  }
}

/** No two parts of the ensemble may listen at one place. */
function checkEndpoints(d: Derivation, servers: readonly NamedServer[]): void {
  const owners = new Map<string, string>();
  for (const server of servers) {
    const key = `server.${server.id}`;
    for (const endpoint of endpointsOf(server)) {
      const owner = owners.get(endpoint);
      if (owner === undefined) owners.set(endpoint, key);
      else report(d, 'error', key, `${endpoint} is taken by ${owner}: give each its own port`);
    }
  }
}

function endpointsOf({ addresses, client }: NamedServer): string[] {
  const endpoints = addresses.flatMap(({ host, quorumPort, electionPort }) => [
    `${host}:${quorumPort}`,
    `${host}:${electionPort}`,
  ]);
  if (client === null) return endpoints;
  const hosts =
    client.host === undefined ? addresses.map((address) => address.host) : [client.host];
  return [...endpoints, ...new Set(hosts.map((host) => `${host}:${client.port}`))];
}
