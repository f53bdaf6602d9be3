// Reads what strace -f -yy has written: system calls with the place in the order where each began
// and ended, data decoded, descriptors by the path or the socket behind them.

export const tracedCalls = [
  'openat',
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'pwritev2',
  'sendto',
  'sendmsg',
  'fsync',
  'fdatasync',
  'rename',
  'renameat',
  'renameat2',
  'mkdir',
  'mkdirat',
  // None of these is expected; with them, writes could pass by unseen.
  'io_uring_enter',
  'io_submit',
  'sendfile',
  'copy_file_range',
];

const simpleEscapes = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 };

/** The bytes of a C string literal without its quotes. */
function decodeLiteral(text) {
  const bytes = Buffer.alloc(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    let byte = text.charCodeAt(at);
    if (text[at] === '\\') {
      const octal = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4));
      byte = octal ? Number.parseInt(octal[0], 8) : simpleEscapes[text[at + 1]];
      at += octal ? octal[0].length : 1;
    }
    bytes[length] = byte;
    length += 1;
  }
  return bytes.subarray(0, length);
}

const literal = /"((?:[^"\\]|\\.)*)"(\.\.\.)?/g;

/** All string arguments, joined: the data of a write, or of all parts of a writev. */
function dataOf(argumentsText) {
  const parts = [];
  for (const [, text, isCut] of argumentsText.matchAll(literal)) {
    if (isCut) throw new Error('strace has cut a string: raise its -s');
    parts.push(decodeLiteral(text));
  }
  return Buffer.concat(parts);
}

/** `pid call(arguments) = result`, with unfinished calls joined to their ends. */
function joinLines(text) {
  const begun = new Map();
  const calls = [];
  for (const [order, line] of text.split('\n').entries()) {
    const match = /^(\d+) +(.*)$/.exec(line);
    if (match === null) continue;
    const [, pid, rest] = match;
    const unfinished = /^(\w+)\((.*) <unfinished \.\.\.>$/.exec(rest);
    if (unfinished !== null) {
      begun.set(pid, { start: order, name: unfinished[1], text: unfinished[2] });
      continue;
    }
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    const first = resumed === null ? null : begun.get(pid);
    if (resumed !== null && first === undefined) continue;
    const whole = first === null ? rest : `${first.name}(${first.text}${resumed[2]}`;
    const call = /^(\w+)\((.*)\) += (-?\d+)(.*)$/.exec(whole);
    if (call === null) continue;
    begun.delete(pid);
    const [, name, argumentsText, result, tail] = call;
    const start = first === null ? order : first.start;
    calls.push({ name, argumentsText, result: Number(result), tail, start, end: order });
  }
  return calls;
}

/** `19</path>` or `21<TCP:[127.0.0.1:1->127.0.0.1:2]>`. */
function descriptorOf(text) {
  const match = /^(\d+)<(.*?)>(?:,|$| )/.exec(text);
  if (match === null) return null;
  const [, number, target] = match;
  const socket = /^TCP(?:v6)?:\[.*->.*:(\d+)\]$/.exec(target);
  return {
    number: Number(number),
    path: target.startsWith('/') ? target : null,
    clientPort: socket === null ? null : Number(socket[1]),
  };
}

function openedFile(call) {
  const path = /^<(.*)>/.exec(call.tail)?.[1] ?? null;
  const flags = /O_\w+(?:\|O_\w+)*/.exec(call.argumentsText.replaceAll(literal, '""'))?.[0] ?? '';
  return { path, flags: new Set(flags.split('|')) };
}

/**
 * The events of a trace, in the order of their ends: `{ kind: 'open' | 'write' | 'send' | 'sync' |
 * 'rename' | 'mkdir' | 'other', start, end, ... }`. Calls that failed are left out.
 */
export function readTrace(text) {
  const events = [];
  const synchronous = new Map();
  for (const call of joinLines(text)) {
    if (call.result < 0) continue;
    const { start, end } = call;
    if (call.name === 'openat') {
      const { path, flags } = openedFile(call);
      synchronous.set(call.result, flags.has('O_DSYNC') || flags.has('O_SYNC'));
      events.push({ kind: 'open', start, end, path, isNew: flags.has('O_CREAT') });
      continue;
    }
    events.push({ start, end, ...describeCall(call, synchronous) });
  }
  return events.sort((a, b) => a.end - b.end);
}

function describeCall(call, synchronous) {
  const { name, argumentsText } = call;
  if (name.startsWith('rename') || name.startsWith('mkdir')) {
    const paths = [...argumentsText.matchAll(literal)].map(([, path]) =>
      String(decodeLiteral(path)),
    );
    return { kind: name.startsWith('rename') ? 'rename' : 'mkdir', path: paths.at(-1) };
  }
  const descriptor = descriptorOf(argumentsText);
  if (name === 'fsync' || name === 'fdatasync') return { kind: 'sync', path: descriptor?.path };
  const isWrite = /write|send(to|msg)/.test(name);
  if (!isWrite || descriptor === null) return { kind: 'other', name };
  // A short write has taken only the beginning.
  const data = dataOf(argumentsText).subarray(0, call.result);
  if (descriptor.clientPort !== null) {
    return { kind: 'send', clientPort: descriptor.clientPort, data };
  }
  if (descriptor.path === null) return { kind: 'other', name: 'write to a pipe or an event' };
  const isSynchronous = synchronous.get(descriptor.number) ?? false;
  return { kind: 'write', path: descriptor.path, data, isSynchronous };
}
