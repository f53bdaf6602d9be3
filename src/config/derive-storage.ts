import { type Derivation, noteDerived, raised, report } from './derivation.ts';
import type { ServerConfig } from './server-config.ts';

type Storage = Pick<
  ServerConfig,
  | 'dataDir'
  | 'dataLogDir'
  | 'dataDirAutocreate'
  | 'forceSync'
  | 'fsyncWarningThresholdMs'
  | 'snapSizeLimitBytes'
  | 'snapRetainCount'
  | 'purge'
  | 'enforceQuota'
  | 'extendedTypesEnabled'
  | 'containers'
>;

const SNAP_SIZE = 'snapSizeLimitInKb';
const SNAP_SIZE_DEFAULT_KIB = 4_194_304;
/** As in ZooKeeper; with fewer, one bad disk block could leave no snapshot to start from. */
const RETAIN_MIN = 3;

export function deriveStorage(d: Derivation): Storage {
  const settings = d.settings;
  const dataDir = requiredDataDir(d);
  const dataLogDir = settings.text('dataLogDir') ?? dataDir;
  noteDerived(d, 'dataLogDir', dataLogDir);
  const forceSync = settings.text('forceSync') !== 'no';
  if (!forceSync) {
    report(d, 'warning', 'forceSync', 'a power cut will lose writes that clients think are safe');
  }
  return {
    dataDir,
    dataLogDir,
    dataDirAutocreate: settings.boolean('datadir.autocreate'),
    forceSync,
    fsyncWarningThresholdMs: settings.number('fsync.warningthresholdms'),
    snapSizeLimitBytes: snapSizeLimitBytes(d),
    snapRetainCount: raised(d, 'autopurge.snapRetainCount', RETAIN_MIN),
    purge: settings.boolean('quoll.purge'),
    enforceQuota: settings.boolean('enforceQuota'),
    extendedTypesEnabled: settings.boolean('extendedTypesEnabled'),
    containers: {
      checkIntervalMs: settings.number('znode.container.checkIntervalMs'),
      maxPerMinute: settings.number('znode.container.maxPerMinute'),
      maxNeverUsedIntervalMs: settings.number('znode.container.maxNeverUsedIntervalMs'),
    },
  };
}

function requiredDataDir(d: Derivation): string {
  const dataDir = d.settings.text('dataDir');
  if (dataDir !== undefined) return dataDir;
  report(d, 'error', 'dataDir', 'missing: add dataDir=<directory> or pass --data-dir');
  return '';
}

/** ZooKeeper may switch the size off because it also counts transactions; Quoll has only it. */
function snapSizeLimitBytes(d: Derivation): number {
  const kib = d.settings.number(SNAP_SIZE);
  if (kib > 0) return kib * 1024;
  const message = `without it the log would grow for ever: ${SNAP_SIZE_DEFAULT_KIB} it is`;
  report(d, 'warning', SNAP_SIZE, message);
  noteDerived(d, SNAP_SIZE, String(SNAP_SIZE_DEFAULT_KIB));
  return SNAP_SIZE_DEFAULT_KIB * 1024;
}
