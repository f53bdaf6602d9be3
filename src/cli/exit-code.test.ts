import { expect, it } from 'vitest';
import { DiskError } from '../io/disk.ts';
import { ReplacedError } from '../replica/peers/founding.ts';
import { StorageError } from '../storage/errors.ts';
import { explain } from './exit-code.ts';

function systemError(fields: Record<string, unknown>): Error {
  return Object.assign(new Error('message'), fields);
}

it('a data directory that cannot be served exits with 3', () => {
  const damage = new StorageError('damage', 'log/1', 64, 7, 'bad checksum', 'Run quoll check');
  expect(explain(damage)).toEqual({ code: 3, message: damage.message });
  for (const code of ['EACCES', 'EROFS', 'ENOTDIR', 'ENOSPC', 'ENOENT', 'EIO']) {
    expect(explain(systemError({ code, path: '/d', syscall: 'mkdir' })).code).toBe(3);
  }
});

it('a disk that fails is named as the cause, with the way on', () => {
  const failed = explain(new DiskError('EIO', '/d/log', 'could not sync /d/log: EIO: i/o error'));
  expect(failed.code).toBe(3);
  expect(failed.message).toContain('/d/log');
  expect(failed.message).toContain('start the server again');
});

it('a server that its ensemble knows as another replica says what to do, without a trace', () => {
  const message = 'server 3 is blank, but its ensemble knows it as another replica; ...';
  expect(explain(new ReplacedError(message))).toEqual({ code: 3, message });
});

it('a directory that another process serves says so, and exits with 3', () => {
  const locked = new DiskError('ELOCKED', '/d', '/d is being served by process 7. Stop it.');
  expect(explain(locked)).toEqual({ code: 3, message: locked.message });
});

it('a port that cannot be had says how to have another', () => {
  const taken = explain(systemError({ code: 'EADDRINUSE', syscall: 'listen', port: 2181 }));
  expect(taken.code).toBe(1);
  expect(taken.message).toContain('--client-port');
  const foreign = explain(systemError({ code: 'EADDRNOTAVAIL', syscall: 'listen' }));
  expect(foreign.message).toContain('--client-address');
  expect(explain(systemError({ code: 'ENOTFOUND', syscall: 'getaddrinfo' })).code).toBe(1);
});

it('anything else is unexpected and shows where it came from', () => {
  const failure = explain(new TypeError('x is not a function'));
  expect(failure.code).toBe(1);
  expect(failure.message).toContain('exit-code.test');
  expect(explain('a text').message).toBe('a text');
});
