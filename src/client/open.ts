import { CLIENT_FRAME_BYTES_MAX } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import type { Clock } from '../io/clock.ts';
import type { Diagnostics } from '../io/diagnostics.ts';
import type { Network } from '../io/network.ts';
import { Client } from './client.ts';
import { parseConnectString } from './connect-string.ts';
import { Session } from './core/session.ts';
import type { SaslMechanism } from './core/sign-in.ts';
import { Engine } from './engine.ts';
import { credentialCall } from './operations.ts';

export interface Credential {
  readonly scheme: string;
  /** For `digest`: `user:password`. */
  readonly auth: Uint8Array | string;
}

export interface ClientOptions {
  /** The session time-out to ask for, in milliseconds. Default: 10,000. Servers have limits. */
  readonly sessionTimeoutMs?: number;
  /** How long `connect` tries to get the first session. Default: 30,000. */
  readonly connectTimeoutMs?: number;
  /** The deadline of a call that names none. Default: 30,000; `Infinity` for none. */
  readonly requestTimeoutMs?: number;
  /** Ends `connect`. */
  readonly signal?: AbortSignal;
  /** Signed in with on every connection; when one is refused the client closes. */
  readonly auth?: readonly Credential[];
  /** Signs in by SASL on every connection, before anything else; see `digestMd5`. */
  readonly sasl?: SaslMechanism;
  /** Takes a server that has lost its ensemble, too. Default: false. */
  readonly readOnly?: boolean;
  /** The longest reply that is taken, in bytes. Default: 4,194,304. */
  readonly maxFrameBytes?: number;
  /** Waits between attempts to connect grow from the one to the other. Default: 20 and 1,000. */
  readonly backOff?: { readonly minMs: number; readonly maxMs: number };
  /** How long `close` waits for the server. Default: 5,000. */
  readonly closeTimeoutMs?: number;
}

/** What a client needs of the world. */
export interface World {
  readonly network: Pick<Network, 'connect'>;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics | null;
  /** For the order of servers and the length of waits. */
  readonly seed: number;
}

const SESSION_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 5_000;
const BACK_OFF = { minMs: 20, maxMs: 1_000 };

/** A client that begins to connect; its calls wait until it has. */
export function openClient(servers: string, options: ClientOptions, world: World): Client {
  const { hosts, chroot } = parseConnectString(servers);
  const session = new Session({
    hosts,
    chroot,
    prng: new Prng(world.seed),
    timeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    canBeReadOnly: options.readOnly ?? false,
    frameBytesMax: options.maxFrameBytes ?? CLIENT_FRAME_BYTES_MAX,
    backOff: options.backOff ?? BACK_OFF,
    closeWithinMs: options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS,
    sasl: options.sasl ?? null,
  });
  for (const { scheme, auth } of options.auth ?? []) {
    session.credentials.preset(credentialCall(scheme, auth));
  }
  const timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const { network, clock, diagnostics } = world;
  return new Client(new Engine({ session, network, clock, diagnostics, timeoutMs }), chroot);
}

/** A client that has a session. Closed again if it does not get one in time. */
export async function connectClient(
  servers: string,
  options: ClientOptions,
  world: World,
): Promise<Client> {
  const client = openClient(servers, options, world);
  const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const { signal } = options;
  try {
    await client.connected({ timeoutMs, ...(signal === undefined ? {} : { signal }) });
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}
