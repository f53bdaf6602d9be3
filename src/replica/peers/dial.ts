import type { Clock } from '../../io/clock.ts';
import type { Peer } from '../../io/network.ts';
import { type FrameHandler, FrameStream, FrameType } from './frames.ts';
import { encodeHello, type Hello } from './hello.ts';
import type { PeerIo } from './listener.ts';

const DIAL_MS_MAX = 2_000;

/**
 * One connection to another replica, for one purpose: either `handler` gets it, and then hears of
 * its end, or `failed` is called. The result ends it. Who is not trusted sends short frames only.
 */
export function dial(
  io: PeerIo,
  clock: Clock,
  address: Peer,
  hello: Hello,
  handler: (frames: FrameStream) => FrameHandler,
  failed: () => void,
  isTrusted = true,
): () => void {
  let frames: FrameStream | null = null;
  const abandon = io.network.connect(
    address,
    (stream) => {
      stopWaiting();
      const opened = new FrameStream(stream, io, { onFrame: () => {}, onClose: () => {} });
      frames = opened;
      if (isTrusted) opened.trust();
      opened.handler = handler(opened);
      encodeHello(opened.begin(FrameType.hello), hello, io.level);
      opened.end();
      return opened;
    },
    () => {
      stopWaiting();
      failed();
    },
  );
  const stopWaiting = clock.after(DIAL_MS_MAX, () => {
    abandon();
    failed();
  });
  return () => {
    stopWaiting();
    if (frames === null) abandon();
    else frames.destroy();
  };
}
