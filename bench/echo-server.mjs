// A floor: the least that a server on Node's `net` can do. It does not look at what it receives;
// it counts bytes, and for every request's worth of them it sends a reply's worth of zeros.
//
//   node echo-server.mjs REQUEST_BYTES:REPLY_BYTES…   one port for each pair, printed as JSON
import { createServer } from 'node:net';

const REPLIES_PER_WRITE = 1024;

function repeatedFrame(bytes) {
  const frames = Buffer.alloc(bytes * REPLIES_PER_WRITE);
  for (let at = 0; at < frames.length; at += bytes) frames.writeUInt32BE(bytes - 4, at);
  return frames;
}

function serve(requestBytes, replyBytes) {
  const replies = repeatedFrame(replyBytes);
  const server = createServer({ noDelay: true }, (socket) => {
    let pending = 0;
    socket.on('data', (chunk) => {
      pending += chunk.length;
      let due = Math.floor(pending / requestBytes);
      pending -= due * requestBytes;
      for (; due > REPLIES_PER_WRITE; due -= REPLIES_PER_WRITE) socket.write(replies);
      if (due > 0) socket.write(replies.subarray(0, due * replyBytes));
    });
    socket.on('error', () => socket.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

const pairs = process.argv.slice(2).map((pair) => pair.split(':').map(Number));
const ports = await Promise.all(pairs.map(([request, reply]) => serve(request, reply)));
process.stdout.write(`${JSON.stringify(ports)}\n`);
