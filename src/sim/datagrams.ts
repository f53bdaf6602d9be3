import type { Prng } from '../base/prng.ts';
import type { DatagramOptions, DatagramSocket, Datagrams } from '../io/datagrams.ts';
import type { Peer } from '../io/network.ts';
import type { Host } from './network.ts';
import type { SimProcess } from './process.ts';

type Receive = (bytes: Uint8Array, from: Peer) => void;

/** What a socket's buffer holds while its process is paused or slow; the rest is lost. */
const KERNEL_PACKETS_MAX = 1_000;

/** A socket that packets are delivered to. */
export interface BoundSocket {
  readonly process: SimProcess;
  deliver(bytes: Uint8Array, from: Peer): void;
}

/** Packets over the links of the network: what a stream's bytes suffer, and nobody makes up for. */
export class SimDatagrams implements Datagrams {
  private readonly process: SimProcess;
  private readonly host: Host;

  constructor(process: SimProcess, host: Host) {
    this.process = process;
    this.host = host;
  }

  addressTowards({ host: name }: Peer): Promise<string> {
    const { address, network } = this.host;
    if (network.find(name) !== null) return Promise.resolve(address);
    return Promise.reject(new Error(`ENOTFOUND: ${name}`));
  }

  open(
    { host: address, port: wanted }: DatagramOptions,
    receive: Receive,
  ): Promise<DatagramSocket> {
    const { host, process } = this;
    const port = wanted === 0 ? host.nextPort++ : wanted;
    if (host.sockets.has(port)) {
      return Promise.reject(new Error(`EADDRINUSE: ${host.name}:${port} is taken`));
    }
    const socket = new Socket(process, host, port, receive);
    host.sockets.set(port, socket);
    return Promise.resolve({
      address: address ?? '0.0.0.0',
      port,
      send: (to: Peer, bytes: Uint8Array) => socket.send(to, bytes),
      close: () => {
        socket.close();
        return Promise.resolve();
      },
    });
  }
}

class Socket implements BoundSocket {
  readonly process: SimProcess;
  private readonly host: Host;
  private readonly port: number;
  private readonly receive: Receive;
  private readonly prng: Prng;
  private waiting = 0;
  private isOpen = true;

  constructor(process: SimProcess, host: Host, port: number, receive: Receive) {
    this.process = process;
    this.host = host;
    this.port = port;
    this.receive = receive;
    this.prng = host.network.packetPrng;
  }

  send(to: Peer, bytes: Uint8Array): void {
    const { prng, host } = this;
    const { world, links, duplication } = host.network;
    const target = host.network.find(to.host);
    if (!this.isOpen || target === null) return;
    const link = links.of(host.name, target.name);
    const content = new Uint8Array(bytes);
    for (let copies = prng.chance(duplication) ? 2 : 1; copies > 0; copies--) {
      if (prng.chance(link.loss)) continue;
      const wireUs = (bytes.length * 1_000) / link.bytesPerMs;
      const travelUs = link.latencyUs + prng.exponential(link.jitterUs) + wireUs;
      world.schedule(Math.ceil(travelUs), () => {
        if (!link.isCut && target.isUp) this.arrive(target, to.port, content);
      });
    }
  }

  deliver(bytes: Uint8Array, from: Peer): void {
    if (this.waiting >= KERNEL_PACKETS_MAX) return;
    this.waiting += 1;
    this.process.handle(() => {
      this.waiting -= 1;
      if (this.isOpen) this.receive(bytes, from);
    });
  }

  close(): void {
    this.isOpen = false;
    if (this.host.sockets.get(this.port) === this) this.host.sockets.delete(this.port);
  }

  private arrive(target: Host, port: number, content: Uint8Array): void {
    const from = { host: this.host.address, port: this.port };
    target.sockets.get(port)?.deliver(content.slice(), from);
  }
}
