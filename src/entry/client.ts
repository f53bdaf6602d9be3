import type { Client } from '../client/client.ts';
import {
  type ClientOptions as CommonOptions,
  connectClient,
  openClient,
  type World,
} from '../client/open.ts';
import { NodeClock } from '../io/node/clock.ts';
import { ChannelDiagnostics } from '../io/node/diagnostics.ts';
import { Dialer, type DialerTls } from '../io/node/dialer.ts';

// Two entry points must not differ in what they export, and one list of names can't.
export * from './client-browser.ts';
export type { DialerTls as TlsOptions };

export interface ClientOptions extends CommonOptions {
  /** TLS to the servers' secure port; `{}` for a server with a certificate that everybody trusts. */
  readonly tls?: DialerTls;
}

/**
 * Connects to an ensemble and resolves with a client that has a session.
 * `servers` is ZooKeeper's connect string: `host1:2181,host2:2181/chroot`. Rejects with
 * AuthFailedError, with OperationTimeoutError after `connectTimeoutMs`, with the reason of
 * `signal`, and with TypeError for a string that is none.
 */
export async function connect(servers: string, options: ClientOptions = {}): Promise<Client> {
  return connectClient(servers, options, nodeWorld(options));
}

/** As {@link connect}, without waiting: calls wait until there is a session. */
export function open(servers: string, options: ClientOptions = {}): Client {
  return openClient(servers, options, nodeWorld(options));
}

function nodeWorld({ tls }: ClientOptions): World {
  return {
    network: new Dialer(tls ?? null),
    clock: new NodeClock(),
    diagnostics: new ChannelDiagnostics(),
    seed: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER),
  };
}
