import { Socket, type SocketConstructorOpts } from 'node:net';

/** Rarely does the kernel have more from one client at once; what is left makes another read. */
const READ_BUFFER_BYTES = 65_536;

/**
 * One buffer for all sockets: libuv asks for it, fills it and reports within one step, and whoever
 * gets the bytes keeps none. On Windows a read that waits holds its buffer, so there it can't be
 * shared.
 */
const readBuffer: Uint8Array | null =
  process.platform === 'win32' ? null : new Uint8Array(READ_BUFFER_BYTES);

/**
 * Makes `socket`, just accepted and paused, hand its bytes to `onData`; they are valid only during
 * the call. Returns the socket to use from here on.
 *
 * By default Node allocates 64 KiB for every read and shrinks them to what came: a fifth of what a
 * request costs that comes alone. Its option `onread` avoids that, but an accepted socket can't be
 * given options, only a new one around the same handle. The handle is no documented property:
 * where it is missing, the socket reads as usual.
 */
export function readInto(socket: Socket, onData: (bytes: Uint8Array) => void): Socket {
  const owner = socket as Socket & { _handle?: object | null };
  const handle = owner._handle;
  if (readBuffer === null || handle === null || typeof handle !== 'object') {
    socket.on('data', onData);
    return socket;
  }
  const buffer = readBuffer;
  const callback = (count: number): boolean => {
    onData(buffer.subarray(0, count));
    return true;
  };
  const options = { handle, onread: { buffer, callback } };
  const reader = new Socket(options as SocketConstructorOpts);
  owner._handle = null;
  socket.destroy();
  return reader;
}
