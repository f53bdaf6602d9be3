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
  const config = {
    port,
    address: settings.text(ADDRESS) ?? null,
    listensEverywhere: settings.boolean('quorumListenOnAllIPs'),
    keyFile: settings.text(KEY_FILE) ?? null,
  };
  if (ensemble !== null) {
    for (const key of [PORT, ADDRESS]) {
      if (settings.get(key) === undefined) continue;
      report(d, 'warning', key, 'has no effect: the second port of the own server line counts');
    }
    return config;
  }
  // Who joins finds out by which address it reaches the others.
  if (port === 0 || settings.words('gossip.join').length > 0) return config;
  const address = config.address ?? clientAddress(d);
  if (address === null) {
    const message = `set ${ADDRESS}, too: the name or address by which others reach this server`;
    report(d, 'error', PORT, message);
    return config;
  }
  if (config.address === null) noteDerived(d, ADDRESS, address);
  refuseOpenGossip(d, PORT, [address]);
  return { ...config, address };
}

/** All addresses are none that others could be told. */
function clientAddress(d: Derivation): string | null {
  const address = d.settings.text('clientPortAddress') ?? null;
  return address === '0.0.0.0' || address === '::' ? null : address;
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
