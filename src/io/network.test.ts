import { afterEach, describe, expect, test } from 'vitest';
import { NetworkWorld, SimNetwork } from '../sim/network.ts';
import { SimProcess } from '../sim/process.ts';
import { World } from '../sim/world.ts';
import type { Listener, Network, Stream, StreamHandler } from './network.ts';
import { NodeNetwork } from './node/network.ts';

/** One end of a stream that keeps what it gets. */
class End implements StreamHandler {
  readonly stream: Stream;
  text = '';
  closed = 0;
  private wake: () => void = () => {};

  constructor(stream: Stream) {
    this.stream = stream;
  }

  onData(bytes: Uint8Array): void {
    this.text += new TextDecoder().decode(bytes);
    this.wake();
  }

  onDrain(): void {
    this.wake();
  }

  onClose(): void {
    this.closed++;
    this.wake();
  }

  say(text: string): boolean {
    return this.stream.write(new TextEncoder().encode(text));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

async function listen(network: Network): Promise<{ listener: Listener; accepted: End[] }> {
  const accepted: End[] = [];
  const options = { host: '127.0.0.1', port: 0, backlog: undefined };
  const listener = await network.listen(options, (stream) => {
    const end = new End(stream);
    accepted.push(end);
    return end;
  });
  return { listener, accepted };
}

function dial(network: Network, port: number): Promise<End> {
  return new Promise((resolve, reject) => {
    let returned = false;
    network.connect(
      { host: '127.0.0.1', port },
      (stream) => {
        expect(returned).toBe(true);
        const end = new End(stream);
        resolve(end);
        return end;
      },
      reject,
    );
    returned = true;
  });
}

let world: World | null = null;

/** A simulated host whose time goes on as long as the test does. */
function newSimNetwork(): Network {
  const born = new World(1);
  world = born;
  const network = new NetworkWorld(born);
  const host = network.addHost('127.0.0.1');
  Object.assign(host, { address: '127.0.0.1' });
  const goOn = async (): Promise<void> => {
    while (world === born) {
      await born.run(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  void goOn();
  return new SimNetwork(new SimProcess(born, 'test'), host);
}

afterEach(() => {
  world = null;
});

describe.each([
  ['the network of Node.js', () => new NodeNetwork()],
  ['the simulated network', newSimNetwork],
])('%s', (_name, newNetwork) => {
  test('carries bytes both ways, in order', async () => {
    const network = newNetwork();
    const { listener, accepted } = await listen(network);
    const client = await dial(network, listener.port);
    client.say('ab');
    client.say('cd');
    await client.until(() => accepted.length === 1);
    const server = accepted[0] as End;
    await server.until(() => server.text === 'abcd');
    server.say('ef');
    await client.until(() => client.text === 'ef');
    expect(client.stream.remotePort).toBe(listener.port);
    expect(server.stream.remoteAddress).toBe('127.0.0.1');
    await listener.close();
  });

  test('an end delivers what was written before it, and closes both sides once', async () => {
    const network = newNetwork();
    const { listener, accepted } = await listen(network);
    const client = await dial(network, listener.port);
    client.say('last words');
    client.stream.end();
    await client.until(() => client.closed > 0);
    const server = accepted[0] as End;
    await server.until(() => server.closed > 0);
    expect(server.text).toBe('last words');
    await listener.close();
    expect([client.closed, server.closed]).toEqual([1, 1]);
  });

  test('closing the listener closes its streams and refuses the next', async () => {
    const network = newNetwork();
    const { listener } = await listen(network);
    const client = await dial(network, listener.port);
    await listener.close();
    await client.until(() => client.closed > 0);
    await expect(dial(network, listener.port)).rejects.toThrow(/ECONNREFUSED/);
  });

  test('who gives up hears neither of success nor of failure', async () => {
    const network = newNetwork();
    const { listener } = await listen(network);
    const heard: string[] = [];
    for (const port of [listener.port, 1]) {
      const giveUp = network.connect(
        { host: '127.0.0.1', port },
        (stream) => {
          heard.push('open');
          return new End(stream);
        },
        () => heard.push('failed'),
      );
      giveUp();
    }
    // Two later connections take longer than what was given up would have taken.
    for (let i = 0; i < 2; i++) await dial(network, listener.port);
    expect(heard).toEqual([]);
    await listener.close();
  });
});
