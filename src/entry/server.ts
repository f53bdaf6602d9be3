import type { ServerConfig } from '../config/server-config.ts';
import type { Logger } from '../io/logger.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeClock } from '../io/node/clock.ts';
import { NodeDisk } from '../io/node/disk.ts';
import { NodeNetwork } from '../io/node/network.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { Solo } from '../paxos/solo.ts';
import { Reaper } from '../replica/reaper.ts';
import { Replica } from '../replica/replica.ts';
import { SessionIds } from '../replica/session-ids.ts';
import { Snapshotter } from '../replica/snapshotter.ts';
import { ClientPort } from '../server/server.ts';
import { CommandFlag } from '../state/command.ts';
import { chainHash } from '../storage/record.ts';
import { openStorage } from '../storage/storage.ts';
import { createContext } from './context.ts';
import { recover } from './recover.ts';

/** How long a server that is told to stop waits for writes under way. */
const DRAIN_MS_MAX = 10_000;

export interface ServerDeps {
  readonly logger: Logger;
}

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** Answers what was accepted, writes a snapshot, closes. */
  close(): Promise<void>;
  /** Settles when the server has ended: with null after `close`, with the error that stopped it. */
  readonly done: Promise<Error | null>;
}

/** Recovers the data directory, then serves clients on it. */
export async function startServer(config: ServerConfig, deps: ServerDeps): Promise<RunningServer> {
  const { logger } = deps;
  const clock = new NodeClock();
  const checksums = new NodeChecksums();
  const secrets = new NodeSecrets();
  let hasRoom = true;
  const storage = await openStorage(new NodeDisk(), {
    dataDir: config.dataDir,
    ...(config.dataLogDir === config.dataDir ? {} : { dataLogDir: config.dataLogDir }),
    checksums,
    clock,
    logger,
    identityIfBlank: { clusterId: secrets.randomBytes(16), replicaId: secrets.randomBytes(16) },
    forceSync: config.forceSync,
    snapRetainCount: config.snapRetainCount,
    onRoom: (room) => {
      hasRoom = room;
    },
  });
  const recovered = await recover(storage, secrets, config.maxTreeBytes);
  const { state } = recovered;
  logger.info(
    {
      snapshotSlot: recovered.snapshotSlot,
      slot: recovered.lastSlot,
      znodes: state.tree.count,
      loadMs: Math.round(recovered.loadMs),
      replayMs: Math.round(recovered.replayMs),
      replayedCommands: recovered.replayedCommands,
    },
    'recovered',
  );

  let settle: (error: Error | null) => void = () => {};
  const done = new Promise<Error | null>((resolve) => {
    settle = resolve;
  });
  const snapshotter = new Snapshotter({
    state,
    storage,
    logger,
    clock,
    logBytesMax: config.snapSizeLimitBytes,
    snapshotSlot: recovered.snapshotSlot,
  });
  let lastHash = recovered.lastHash;
  const replica = new Replica({
    state,
    decider: new Solo({
      chain: chainHash(checksums),
      round: Math.max(1, recovered.round),
      replica: 1,
      lastSlot: recovered.lastSlot,
      lastHash: recovered.lastHash,
    }),
    log: storage.log,
    clock,
    sessionIds: new SessionIds(1, clock.wallMs()),
    tickTimeMs: config.tickTimeMs,
    flags: flagsOf(config),
    onFatal: (error) => settle(error),
    onApplied: (entry) => {
      lastHash = entry.hash;
      snapshotter.applied(entry.slot, entry.hash);
    },
  });
  const context = createContext({ config, replica, secrets, hasRoom: () => hasRoom });
  const port = new ClientPort(context);
  await port.open(new NodeNetwork(), {
    host: config.clientPortAddress,
    port: config.clientPort,
    backlog: config.listenBacklog,
  });
  const reaper = new Reaper(replica, config.containers);
  reaper.start();
  // After the turn's input: when the loop was stalled, pings that wait in sockets count first.
  const stopSweep = clock.every(config.tickTimeMs, () =>
    clock.afterTurn(() => replica.sweepSessions()),
  );

  const close = async (): Promise<void> => {
    port.quiesce();
    reaper.stop();
    stopSweep();
    const idle = new Promise<boolean>((resolve) => replica.whenIdle(() => resolve(true)));
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, DRAIN_MS_MAX, false).unref());
    if (!(await Promise.race([idle, late]))) {
      logger.warn({ waitedMs: DRAIN_MS_MAX }, 'the disk does not answer; open writes stay unanswered');
    }
    // One turn more, so that the last replies leave before their connections are closed.
    await new Promise<void>((resolve) => clock.afterTurn(() => clock.afterTurn(resolve)));
    await snapshotter.finish(state.slot, lastHash);
    await port.close();
    await storage.close();
    settle(null);
  };
  return { address: port.address, port: port.port, close, done };
}

function flagsOf(config: ServerConfig): number {
  return (
    (config.enforceQuota ? CommandFlag.enforceQuota : 0) |
    (config.extendedTypesEnabled ? CommandFlag.extendedTypes : 0) |
    (config.skipACL ? CommandFlag.skipACL : 0) |
    (config.digestEnabled ? 0 : CommandFlag.digestDisabled) |
    (config.reconfigEnabled ? CommandFlag.reconfigEnabled : 0)
  );
}
