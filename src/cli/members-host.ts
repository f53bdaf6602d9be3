import { connect } from 'node:net';
import type { MembersHost } from './members.ts';
import type { Terminal } from './terminal.ts';

const ANSWER_TIMEOUT_MS = 5_000;
/** Of 5,000 members and as many that are gone. */
const ANSWER_BYTES_MAX = 16_777_216;

/** Asks by TCP, and waits until somebody presses Ctrl-C. */
export function processMembersHost(terminal: Terminal): MembersHost {
  let isOver = false;
  let wake = (): void => {};
  const stop = (): void => {
    isOver = true;
    wake();
  };
  return {
    terminal,
    ask,
    wait: (ms) => {
      if (process.listenerCount('SIGINT') === 0) process.on('SIGINT', stop);
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(!isOver), ms);
        wake = () => {
          clearTimeout(timer);
          resolve(false);
        };
        if (isOver) wake();
      });
    },
  };
}

function ask(host: string, port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const parts: Buffer[] = [];
    let bytes = 0;
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.write(word));
    socket.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > ANSWER_BYTES_MAX) socket.destroy(new Error('an answer without an end'));
      parts.push(part);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(parts).toString('utf8')));
  });
}
