import { utf8Encode } from '../base/utf8.ts';
import type { Disk } from '../io/disk.ts';
import type { Logger } from '../io/logger.ts';
import type { Secrets } from '../io/secrets.ts';
import { createWhole, writeAll } from '../storage/files.ts';

const NAME = 'local-access';
const TOKEN_BYTES = 32;

/**
 * What proves that somebody is on a server's own machine, and may read its data: then a password
 * that keeps strangers on the network away has nothing to add. It is drawn anew at each start.
 */
export interface LocalAccess {
  /** host:port, as it is reached on this machine. */
  readonly server: string;
  readonly token: string;
}

export function localAccessPath(dataDir: string): string {
  return `${dataDir.replace(/\/$/, '')}/quoll/${NAME}`;
}

export function drawToken(secrets: Secrets): string {
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
  return Array.from(secrets.randomBytes(TOKEN_BYTES), hex).join('');
}

/** Null if the text is none that `offerLocalAccess` has written. */
export function parseLocalAccess(text: string): LocalAccess | null {
  const [server, token, ...more] = text.trimEnd().split('\n');
  if (server === undefined || token === undefined || more.length > 0) return null;
  return { server, token };
}

/** Puts the token where only the user of this process may read it. Nothing else depends on it. */
export async function offerLocalAccess(
  disk: Disk,
  dataDir: string,
  server: { readonly address: string; readonly port: number; readonly token: string },
  logger: Logger,
): Promise<void> {
  const path = localAccessPath(dataDir);
  const directory = path.slice(0, -NAME.length - 1);
  const bytes = utf8Encode(`${reachable(server.address)}:${server.port}\n${server.token}\n`);
  try {
    await createWhole(disk, directory, NAME, (file) => writeAll(file, [bytes], 0));
  } catch (error) {
    const message = 'commands on this machine need the super user: the file for them failed';
    logger.warn({ file: path, error }, message);
  }
}

function reachable(address: string): string {
  if (address === '::' || address === '0.0.0.0') return 'localhost';
  return address.includes(':') ? `[${address}]` : address;
}
