import { afterEach, describe, expect, test } from 'vitest';
import { SimDatagrams } from '../sim/datagrams.ts';
import { NetworkWorld } from '../sim/network.ts';
import { SimProcess } from '../sim/process.ts';
import { World } from '../sim/world.ts';
import type { DatagramSocket, Datagrams } from './datagrams.ts';
import type { Peer } from './network.ts';
import { NodeDatagrams } from './node/datagrams.ts';

const LOCAL = '127.0.0.1';

/** A socket that keeps what it gets. */
class Box {
  readonly texts: string[] = [];
  readonly senders: Peer[] = [];
  socket!: DatagramSocket;
  private wake: () => void = () => {};

  static async open(datagrams: Datagrams, port = 0): Promise<Box> {
    const box = new Box();
    box.socket = await datagrams.open({ host: LOCAL, port }, (bytes, from) => {
      box.texts.push(new TextDecoder().decode(bytes));
      box.senders.push(from);
      box.wake();
    });
    return box;
  }

  say(text: string, to: Box): void {
    const bytes = Buffer.from(text);
    this.socket.send({ host: LOCAL, port: to.socket.port }, bytes);
    // The bytes belong to the caller again.
    bytes.fill(0);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

let world: World | null = null;

/** A simulated host whose time goes on as long as the test does. */
function newSimDatagrams(): Datagrams {
  const born = new World(1);
  world = born;
  const network = new NetworkWorld(born);
  network.duplication = 0;
  const host = network.addHost(LOCAL);
  Object.assign(host, { address: LOCAL });
  const goOn = async (): Promise<void> => {
    while (world === born) {
      await born.run(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  void goOn();
  return new SimDatagrams(new SimProcess(born, 'test'), host);
}

afterEach(() => {
  world = null;
});

describe.each([
  ['the datagrams of Node.js', () => new NodeDatagrams()],
  ['the simulated datagrams', newSimDatagrams],
])('%s', (_name, newDatagrams) => {
  test('carry packets both ways, whole, and tell where they come from', async () => {
    const datagrams = newDatagrams();
    const [a, b] = [await Box.open(datagrams), await Box.open(datagrams)];
    a.say('one', b);
    await b.until(() => b.texts.length === 1);
    b.socket.send(b.senders[0] as Peer, new Uint8Array(1_400).fill(65));
    await a.until(() => a.texts.length === 1);
    expect(b.texts).toEqual(['one']);
    expect(b.senders).toEqual([{ host: LOCAL, port: a.socket.port }]);
    expect(a.texts).toEqual(['A'.repeat(1_400)]);
    await Promise.all([a.socket.close(), b.socket.close()]);
  });

  test('tell the address that packets leave from', async () => {
    const datagrams = newDatagrams();
    expect(await datagrams.addressTowards({ host: LOCAL, port: 9 })).toBe(LOCAL);
    await expect(datagrams.addressTowards({ host: 'no.such.invalid', port: 9 })).rejects.toThrow(
      /ENOTFOUND|EAI_AGAIN/,
    );
  });

  test('give a port to one socket at a time', async () => {
    const datagrams = newDatagrams();
    const first = await Box.open(datagrams);
    await expect(Box.open(datagrams, first.socket.port)).rejects.toThrow(/EADDRINUSE/);
    await first.socket.close();
    const second = await Box.open(datagrams, first.socket.port);
    expect(second.socket.port).toBe(first.socket.port);
    await second.socket.close();
  });

  test('neither fail nor deliver when nobody is there, or after the end', async () => {
    const datagrams = newDatagrams();
    const [a, b, c] = [
      await Box.open(datagrams),
      await Box.open(datagrams),
      await Box.open(datagrams),
    ];
    await b.socket.close();
    a.say('lost', b);
    b.say('never sent', a);
    await b.socket.close();
    a.say('here', c);
    await c.until(() => c.texts.length === 1);
    expect([a.texts, b.texts, c.texts]).toEqual([[], [], ['here']]);
    await Promise.all([a.socket.close(), c.socket.close()]);
  });
});
