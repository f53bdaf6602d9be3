// A floor: the least that a server on Node's `net` can do. It does not look at what it receives;
// it counts bytes, and for every request's worth of them it sends a reply's worth of zeros. With a
// log it first appends what it received, synced: one append at a time, while more gathers.
//
//   node echo-server.mjs [--log FILE] REQUEST_BYTES:REPLY_BYTES…   a port for each pair, as JSON
import { constants, openSync, write, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

const REPLIES_PER_WRITE = 1024;
/** Appends go into zeros and begin anew at the end, as in a log whose files are used again. */
const LOG_BYTES = 64 << 20;

/** Calls back once a copy of `chunk` is on the disk; without a log, at once. */
function startLog(file) {
  if (file === null) return (_chunk, done) => done();
  writeFileSync(file, Buffer.alloc(LOG_BYTES), { flush: true });
  const fd = openSync(file, constants.O_WRONLY | constants.O_DSYNC);
  let waiting = [];
  let isWriting = false;
  let at = 0;
  const next = () => {
    const batch = waiting;
    waiting = [];
    isWriting = batch.length > 0;
    if (!isWriting) return;
    const bytes = Buffer.concat(batch.map(({ chunk }) => chunk));
    if (at + bytes.length > LOG_BYTES) at = 0;
    write(fd, bytes, 0, bytes.length, at, (error) => {
      if (error) throw error;
      next();
      for (const { done } of batch) done();
    });
    at += bytes.length;
  };
  return (chunk, done) => {
    waiting.push({ chunk, done });
    // What else arrives in this turn of the loop goes along.
    if (!isWriting) setImmediate(next);
    isWriting = true;
  };
}

function repeatedFrame(bytes) {
  const frames = Buffer.alloc(bytes * REPLIES_PER_WRITE);
  for (let at = 0; at < frames.length; at += bytes) frames.writeUInt32BE(bytes - 4, at);
  return frames;
}

function serve(requestBytes, replyBytes, append) {
  const replies = repeatedFrame(replyBytes);
  const server = createServer({ noDelay: true }, (socket) => {
    let pending = 0;
    socket.on('data', (chunk) => {
      pending += chunk.length;
      let due = Math.floor(pending / requestBytes);
      pending -= due * requestBytes;
      append(chunk, () => {
        for (; due > REPLIES_PER_WRITE; due -= REPLIES_PER_WRITE) socket.write(replies);
        if (due > 0) socket.write(replies.subarray(0, due * replyBytes));
      });
    });
    socket.on('error', () => socket.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

const args = process.argv.slice(2);
const append = startLog(args[0] === '--log' ? args.splice(0, 2)[1] : null);
const pairs = args.map((pair) => pair.split(':').map(Number));
const ports = await Promise.all(pairs.map(([request, reply]) => serve(request, reply, append)));
process.stdout.write(`${JSON.stringify(ports)}\n`);
