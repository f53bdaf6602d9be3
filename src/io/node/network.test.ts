import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import type { Stream } from '../network.ts';
import { NodeNetwork } from './network.ts';

/** Remembers what came, and the stream to answer on. */
class Peer {
  text = '';
  closed = false;
  readonly stream: Stream;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  onData(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString();
  }

  onDrain(): void {}

  onClose(): void {
    this.closed = true;
  }
}

async function listen(accepts = true) {
  const peers: Peer[] = [];
  const options = { host: '127.0.0.1', port: 0, backlog: undefined };
  const listener = await new NodeNetwork().listen(options, (stream) => {
    if (!accepts) return null;
    peers.push(new Peer(stream));
    return peers.at(-1) ?? null;
  });
  return { listener, peers };
}

test('streams that share a read buffer keep their bytes apart, and can be paused', async () => {
  const { listener, peers } = await listen();
  const sockets = [connect(listener.port), connect(listener.port)] as const;
  await expect.poll(() => peers.length).toBe(2);
  for (const socket of sockets) socket.write(`from ${socket.localPort}`);
  for (const { stream } of peers) expect(stream.remoteAddress).toBe('127.0.0.1');
  for (const peer of peers) {
    await expect.poll(() => peer.text).toBe(`from ${peer.stream.remotePort}`);
  }
  const [first] = peers as [Peer];
  const socket = sockets.find((it) => it.localPort === first.stream.remotePort);
  first.stream.pause();
  socket?.write(', more');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(first.text).not.toContain('more');
  first.stream.resume();
  await expect.poll(() => first.text).toContain(', more');
  await listener.close();
  expect(peers.every(({ closed }) => closed)).toBe(true);
});

test('a stream ends when its client does, and after what was written has left', async () => {
  const { listener, peers } = await listen();
  const socket = connect(listener.port);
  await expect.poll(() => peers.length).toBe(1);
  const [peer] = peers as [Peer];
  peer.stream.write(Buffer.from('bye'));
  peer.stream.end();
  const [bytes] = await once(socket, 'data');
  expect(String(bytes)).toBe('bye');
  await expect.poll(() => peer.closed).toBe(true);
  await listener.close();
});

test('a stream that nobody accepts is closed', async () => {
  const { listener } = await listen(false);
  const socket = connect(listener.port);
  socket.on('error', () => {});
  await once(socket, 'close');
  await listener.close();
});
