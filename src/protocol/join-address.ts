/** Where somebody is who may know of an ensemble. */
export interface JoinAddress {
  readonly host: string;
  readonly port: number;
}

/** The first port of a server line, as every ZooKeeper's guide has it. */
const PORT_DEFAULT = 2_888;
const FORM = 'must be HOST[:PORT], the port being the first of that server’s line (2888)';

/** `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; a text is what is wrong with it. */
export function parseJoinAddress(text: string): JoinAddress | string {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? PORT_DEFAULT : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) return `${JSON.stringify(text)} ${FORM}`;
  return { host, port };
}

export function printJoinAddress({ host, port }: JoinAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
