import type { ServerContext } from '../context.ts';
import type { EnsembleFacts, ServerFacts } from '../facts.ts';

/** The only one that ZooKeeper still has; tools look at it, Quoll has its own. */
const ELECTION_ALGORITHM = 3;

/** `conf`. */
export function configurationText(facts: ServerFacts): string {
  const { conf } = facts;
  return [
    `clientPort=${conf.clientPort}`,
    `secureClientPort=${conf.secureClientPort}`,
    `dataDir=${conf.dataDir}`,
    `dataDirSize=${facts.dataDirBytes()}`,
    `dataLogDir=${conf.dataLogDir}`,
    `dataLogSize=${facts.logDirBytes()}`,
    `tickTime=${conf.tickTimeMs}`,
    `maxClientCnxns=${conf.maxClientCnxns}`,
    `minSessionTimeout=${conf.minSessionTimeoutMs}`,
    `maxSessionTimeout=${conf.maxSessionTimeoutMs}`,
    `clientPortListenBacklog=${conf.listenBacklog}`,
    `serverId=${conf.serverId}`,
    ...(facts.ensemble === null ? [''] : ensembleLines(facts.ensemble)),
  ].join('\n');
}

/** ZooKeeper ends with the version, and without a last end of line. */
function ensembleLines(ensemble: EnsembleFacts): string[] {
  const { conf } = ensemble;
  return [
    `initLimit=${conf.initLimitTicks}`,
    `syncLimit=${conf.syncLimitTicks}`,
    `electionAlg=${ELECTION_ALGORITHM}`,
    `electionPort=${conf.electionPort}`,
    `quorumPort=${conf.quorumPort}`,
    `peerType=${ensemble.isObserver() ? 1 : 0}`,
    'membership: ',
    ensemble.membershipText(),
  ];
}

/** `envi`. */
export function environmentText(facts: ServerFacts): string {
  const entries = [['zookeeper.version', facts.version], ...facts.environment()];
  return `Environment:\n${entries.map(([key, value]) => `${key}=${value}\n`).join('')}`;
}

/** `dirs`. */
export function directoriesText(facts: ServerFacts): string {
  return `datadir_size: ${facts.dataDirBytes()}\nlogdir_size: ${facts.logDirBytes()}\n`;
}

/** `hash`: a digest is a signed 64-bit number. */
export function digestsText(context: ServerContext): string {
  let text = '';
  context.replica.digestPoints.forEach((zxid, high, low) => {
    const digest = BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
    text += `${zxid.toString(16)}: ${digest}\n`;
  });
  return text;
}
