import type { Peer } from '../../io/network.ts';

const HOST_CHARS_MAX = 255;

/** `host:port`, as members tell it; an IPv6 address stands in brackets. */
export function addressText({ host, port }: Peer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Null for what is no such text. It comes from others: nothing is believed of it. */
export function parseAddress(text: string): Peer | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? 0);
  if (host === '' || host.length > HOST_CHARS_MAX || port < 1 || port > 65_535) return null;
  return { host, port };
}
