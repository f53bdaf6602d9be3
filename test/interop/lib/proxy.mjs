// A TCP proxy that can cut connections: how the suites make a real client lose its server and
// come back, without touching the client. A suite controls it by one line on a second port:
//   cut      drop every proxied connection now
//   refuse   drop them, and drop new ones as soon as they are accepted
//   accept   take connections again
//   stall    keep connections open, but pass no byte either way, until `accept`
//   restart  kill the server behind the proxy (SIGKILL) and start it again on its data
// Each command is answered by `done`.
import { connect, createServer } from 'node:net';

class CuttingProxy {
  #links = new Set();
  #target;
  #mode = 'accept';

  constructor(target) {
    this.#target = target;
  }

  take(client) {
    if (this.#mode === 'refuse') {
      client.destroy();
      return;
    }
    const upstream = connect(this.#target);
    const link = { client, upstream, stalled: false };
    this.#links.add(link);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.#drop(link));
      socket.on('close', () => this.#drop(link));
    }
    client.pipe(upstream);
    upstream.pipe(client);
    if (this.#mode === 'stall') this.#stall(link);
  }

  command(word) {
    if (word === 'cut' || word === 'refuse') for (const link of [...this.#links]) this.#drop(link);
    if (word === 'stall') for (const link of this.#links) this.#stall(link);
    if (word === 'accept') for (const link of this.#links) this.#resume(link);
    if (word !== 'cut') this.#mode = word;
  }

  #drop(link) {
    this.#links.delete(link);
    link.client.destroy();
    link.upstream.destroy();
  }

  #stall(link) {
    const { client, upstream } = link;
    link.stalled = true;
    client.unpipe(upstream);
    upstream.unpipe(client);
    client.pause();
    upstream.pause();
  }

  #resume(link) {
    if (!link.stalled) return;
    const { client, upstream } = link;
    link.stalled = false;
    client.pipe(upstream);
    upstream.pipe(client);
  }
}

function listen(onConnection) {
  return new Promise((done, failed) => {
    const server = createServer(onConnection);
    server.on('error', failed);
    server.listen(0, '127.0.0.1', () => done(server));
  });
}

const words = new Set(['cut', 'refuse', 'accept', 'stall']);

function controller(proxy, restart) {
  const obey = async (word) => {
    if (word === 'restart') await restart();
    else if (words.has(word)) proxy.command(word);
    else return 'unknown\n';
    return 'done\n';
  };
  return (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', async (chunk) => {
      for (const word of chunk.toString().split('\n').filter(Boolean)) {
        socket.write(await obey(word).catch((error) => `${error.message}\n`));
      }
    });
  };
}

/** Listens on two free loopback ports: `address` for clients, `control` for commands. */
export async function startProxy(host, port, restart) {
  const proxy = new CuttingProxy({ host, port });
  const front = await listen((client) => proxy.take(client));
  const control = await listen(controller(proxy, restart));
  return {
    address: `127.0.0.1:${front.address().port}`,
    control: `127.0.0.1:${control.address().port}`,
    close() {
      proxy.command('refuse');
      front.close();
      control.close();
    },
  };
}
