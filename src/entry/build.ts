import manifest from '../../package.json' with { type: 'json' };

/** Put in by `tools/build.mjs`; absent when the sources run as they are. */
declare const QUOLL_BUILT_AT: string | undefined;

export const VERSION: string = manifest.version;

/** ISO 8601. */
export const BUILT_AT: string =
  typeof QUOLL_BUILT_AT === 'string' ? QUOLL_BUILT_AT : '1970-01-01T00:00:00Z';
