import { parseKeyLines } from '../base/key-lines.ts';
import { type Derivation, noteDerived, report } from './derivation.ts';
import type { EnsembleConfig, GossipConfig } from './server-config.ts';

const KEY_FILE = 'gossip.keyFile';
const PORT = 'gossip.port';
const ADDRESS = 'gossip.address';
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Null: this server takes no part, whatever else is configured. */
export function deriveGossip(d: Derivation, ensemble: EnsembleConfig | null): GossipConfig | null {
  const { settings } = d;
  if (!settings.boolean('gossip.enabled')) return null;
  checkKeyFile(d);
  const port = settings.number(PORT);
  const keyFile = settings.text(KEY_FILE) ?? null;
  if (ensemble !== null) {
    for (const key of [PORT, ADDRESS]) {
      if (settings.get(key) === undefined) continue;
      report(d, 'warning', key, 'has no effect: the second port of the own server line counts');
    }
    return { alone: null, keyFile };
  }
  if (port === 0) return { alone: null, keyFile };
  const host = settings.text(ADDRESS) ?? settings.text('clientPortAddress');
  if (host === undefined) {
    const message = `set ${ADDRESS}, too: the name or address by which others reach this server`;
    report(d, 'error', PORT, message);
    return { alone: null, keyFile };
  }
  if (settings.get(ADDRESS) === undefined) noteDerived(d, ADDRESS, host);
  refuseOpenGossip(d, PORT, [host]);
  const listensEverywhere = settings.boolean('quorumListenOnAllIPs');
  return { alone: { host, port, listensEverywhere }, keyFile };
}

/** Without a key everyone who reaches a port of gossip is trusted with the data: that is asked. */
export function refuseOpenGossip(d: Derivation, key: string, hosts: readonly string[]): void {
  if (d.settings.text(KEY_FILE) !== undefined || d.settings.boolean('gossip.insecure')) return;
  const open = hosts.find((host) => !LOOPBACK.test(host));
  if (open === undefined) return;
  const message =
    `${open} is beyond this machine, and without ${KEY_FILE} everyone who reaches the port can ` +
    'read the data and make some up: set it, or gossip.insecure=true';
  report(d, 'error', key, message);
}

/** A file that is bad from the beginning ends the start: without it nothing would be encrypted. */
function checkKeyFile(d: Derivation): void {
  const path = d.settings.text(KEY_FILE);
  if (path === undefined) return;
  let text: string;
  try {
    text = d.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    report(d, 'error', KEY_FILE, `cannot read ${path}: ${reason}`);
    return;
  }
  const keys = parseKeyLines(text);
  if (typeof keys === 'string') report(d, 'error', KEY_FILE, `${path}: ${keys}`);
}
