import { utf8Encode } from '../base/utf8.ts';
import type { Peer } from '../io/network.ts';
import { isValidPath } from '../protocol/paths.ts';

const DEFAULT_PORT = 2181;
const PORT_MAX = 65_535;

export interface ConnectString {
  readonly hosts: readonly Peer[];
  /** Empty, or a path without a slash at its end. */
  readonly chroot: string;
}

/**
 * Reads `host1:port1,host2:port2/chroot` as Apache's clients do: the port is 2181 unless it is
 * given, IPv6 addresses stand in brackets, and all paths of the client are below the chroot.
 * Throws TypeError.
 */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/');
  const list = slash === -1 ? text : text.slice(0, slash);
  const chroot = slash === -1 || slash === text.length - 1 ? '' : text.slice(slash).trimEnd();
  const bytes = utf8Encode(chroot);
  if (chroot !== '' && !isValidPath(bytes, 0, bytes.length)) {
    throw new TypeError(`not a valid chroot: ${chroot}`);
  }
  const hosts = list.split(',').map((part) => part.trim());
  const peers = hosts.filter((part) => part !== '').map(parseHost);
  if (peers.length === 0) throw new TypeError(`no server in the connect string "${text}"`);
  return { hosts: peers, chroot };
}

function parseHost(text: string): Peer {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (match === null || port < 1 || port > PORT_MAX) {
    throw new TypeError(`not a server: "${text}"; write host:port, and IPv6 in brackets`);
  }
  return { host: (match[1] ?? match[2]) as string, port };
}
