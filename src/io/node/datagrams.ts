import { createSocket, type RemoteInfo, type Socket, type SocketType } from 'node:dgram';
import dns from 'node:dns';

import { isIPv4, isIPv6 } from 'node:net';
import type { DatagramOptions, DatagramSocket, Datagrams } from '../datagrams.ts';
import type { Peer } from '../network.ts';
import { Names } from './names.ts';

/** A burst waits in the kernel while the loop is busy; what the default holds is soon lost. */
const KERNEL_BYTES = 1_048_576;

type Receive = (bytes: Uint8Array, from: Peer) => void;

/** UDP by `node:dgram`. */
export class NodeDatagrams implements Datagrams {
  async addressTowards({ host, port }: Peer): Promise<string> {
    const address = await addressOf(host);
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        // For UDP that only asks the kernel for the way.
        socket.connect(port, address, resolve);
      });
      return plainAddress(socket.address().address);
    } finally {
      socket.close();
    }
  }

  async open({ host, port }: DatagramOptions, receive: Receive): Promise<DatagramSocket> {
    if (host !== undefined) {
      const address = await addressOf(host);
      return bind(isIPv6(address) ? 'udp6' : 'udp4', address, port, receive);
    }
    try {
      return await bind('udp6', '::', port, receive);
    } catch (error) {
      // A machine without IPv6.
      if (!/EAFNOSUPPORT|EADDRNOTAVAIL/.test(String(error))) throw error;
      return bind('udp4', '0.0.0.0', port, receive);
    }
  }
}

async function bind(
  type: SocketType,
  address: string,
  port: number,
  receive: Receive,
): Promise<DatagramSocket> {
  // Addresses only are given to it, so that it never looks anything up by itself.
  const socket = createSocket({ type, lookup: (host, _options, done) => done(null, host, 0) });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  return new UdpSocket(socket, type, receive);
}

class UdpSocket implements DatagramSocket {
  readonly address: string;
  readonly port: number;
  private readonly socket: Socket;
  private readonly isDual: boolean;
  private readonly names: Names;
  private isClosed = false;

  constructor(socket: Socket, type: SocketType, receive: Receive) {
    this.socket = socket;
    this.isDual = type === 'udp6';
    const { address, port } = socket.address();
    this.address = address;
    this.port = port;
    const family = type === 'udp4' ? 4 : 0;
    this.names = new Names(
      (name, done) =>
        dns.lookup(name, { family }, (error, found) => done(error === null ? found : null)),
      () => performance.now(),
    );
    raiseBuffer(socket);
    // What ICMP says of a packet that was sent is no more than that it is lost.
    socket.on('error', () => {});
    socket.on('message', (bytes: Uint8Array, { address: host, port: from }: RemoteInfo) => {
      // `slice` of a Buffer copies nothing, which nobody expects of a Uint8Array.
      const { buffer, byteOffset, length } = bytes;
      receive(new Uint8Array(buffer, byteOffset, length), { host: plainAddress(host), port: from });
    });
  }

  send(to: Peer, bytes: Uint8Array): void {
    if (this.isClosed) return;
    const address = this.names.addressOf(to.host);
    const target = address === null ? null : this.reachable(address);
    // The socket keeps what it is given until it has left. (`slice` of a Buffer copies nothing.)
    if (target !== null) this.socket.send(new Uint8Array(bytes), to.port, target, () => {});
  }

  close(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.isClosed = true;
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }

  /** As this socket's kind of address; null if it has none. */
  private reachable(address: string): string | null {
    if (isIPv4(address)) return this.isDual ? `::ffff:${address}` : address;
    return this.isDual ? address : null;
  }
}

function addressOf(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    dns.lookup(host, (error, address) => (error === null ? resolve(address) : reject(error)));
  });
}

function raiseBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(KERNEL_BYTES);
  } catch {
    // The operating system allows less: it stays as it is.
  }
}

function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
