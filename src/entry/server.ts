import type { ServerConfig } from '../config/server-config.ts';
import type { Logger } from '../io/logger.ts';
import type { Network } from '../io/network.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeCiphers } from '../io/node/ciphers.ts';
import { NodeClock } from '../io/node/clock.ts';
import { NodeDatagrams } from '../io/node/datagrams.ts';
import { NodeDisk } from '../io/node/disk.ts';
import { NodeNetwork } from '../io/node/network.ts';
import {
  DirectorySize,
  environmentEntries,
  maxFileDescriptors,
  NodeLoopDelay,
  openFileDescriptors,
} from '../io/node/process-facts.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { type RunningServer, startReplica } from './assembly.ts';
import type { ProcessFacts } from './facts.ts';
import { drawToken, offerLocalAccess } from './local-access.ts';

export type { RunningServer };

const PROCESS: ProcessFacts = {
  measureDirectory: (directory) => new DirectorySize(directory),
  measureLoopDelay: () => new NodeLoopDelay(),
  environment: environmentEntries,
  openFileDescriptors,
  maxFileDescriptors,
};

export interface ServerDeps {
  readonly logger: Logger;
  /** Absent: that of this machine. */
  readonly network?: Network;
}

/** Serves the data directory of the configuration by this process. */
export async function startServer(config: ServerConfig, deps: ServerDeps): Promise<RunningServer> {
  const { logger } = deps;
  const disk = new NodeDisk();
  const secrets = new NodeSecrets();
  const token = drawToken(secrets);
  const server = await startReplica(config, {
    logger,
    clock: new NodeClock(),
    disk,
    network: deps.network ?? new NodeNetwork(),
    datagrams: new NodeDatagrams(),
    ciphers: new NodeCiphers(),
    secrets,
    checksums: new NodeChecksums(),
    process: PROCESS,
    localToken: token,
  });
  const { address, port } = server;
  await offerLocalAccess(disk, config.dataDir, { address, port, token }, logger);
  return server;
}
