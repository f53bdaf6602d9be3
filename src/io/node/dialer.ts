import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Network, Peer, Stream, StreamHandler } from '../network.ts';
import { SocketStream } from './network.ts';

/** TLS as `node:tls` takes it: certificates and keys as PEM. */
export interface DialerTls {
  /** Who is trusted; left out, the authorities that Node.js comes with. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The client's own certificate, for servers that ask for one. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  readonly passphrase?: string;
  /** The name that the server's certificate must have; left out, the host that is dialled. */
  readonly serverName?: string;
  /** False takes any certificate: for tests only. */
  readonly rejectUnauthorized?: boolean;
}

const READ_BUFFER_BYTES = 65_536;

/**
 * Dials servers by TCP or TLS. Names are resolved at each dial, and all addresses of a name are
 * tried. Reads go into one buffer, instead of 64 KiB that Node would allocate for each.
 */
export class Dialer implements Pick<Network, 'connect'> {
  private readonly tls: DialerTls | null;

  constructor(tls: DialerTls | null) {
    this.tls = tls;
  }

  connect(
    peer: Peer,
    open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ): () => void {
    let handler: StreamHandler | null = null;
    const socket = this.dial(peer, (bytes) => handler?.onData(bytes));
    socket.once('error', failed);
    socket.once(this.tls === null ? 'connect' : 'secureConnect', () => {
      socket.off('error', failed);
      const stream = new SocketStream(socket);
      handler = open(stream);
      stream.attach(handler);
    });
    return () => {
      // After `open` the stream is its owner's; before, what still happens to it concerns nobody.
      if (handler !== null) return;
      socket.off('error', failed);
      socket.on('error', () => {});
      socket.destroy();
    };
  }

  private dial({ host, port }: Peer, onData: (bytes: Uint8Array) => void): Socket {
    // The connection is the client's own: a buffer of its own, filled and looked at in one step.
    const buffer = new Uint8Array(READ_BUFFER_BYTES);
    const callback: OnReadOpts['callback'] = (count) => {
      onData(buffer.subarray(0, count));
      return true;
    };
    if (this.tls === null) {
      return connectTcp({ host, port, noDelay: true, onread: { buffer, callback } });
    }
    const socket = connectTls({ host, port, ...tlsOptions(this.tls) });
    socket.setNoDelay(true);
    socket.on('data', onData);
    return socket;
  }
}

function tlsOptions(tls: DialerTls): ConnectionOptions {
  const { ca, cert, key, passphrase, serverName, rejectUnauthorized = true } = tls;
  return {
    rejectUnauthorized,
    ...(ca === undefined ? {} : { ca: ca as NonNullable<ConnectionOptions['ca']> }),
    ...(cert === undefined ? {} : { cert: cert as NonNullable<ConnectionOptions['cert']> }),
    ...(key === undefined ? {} : { key: key as NonNullable<ConnectionOptions['key']> }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}
