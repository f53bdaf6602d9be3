import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Err } from '../protocol/constants.ts';
import { localAccessPath, parseLocalAccess } from './local-access.ts';
import { newDirectory, TestRun } from './running-server.test-helper.ts';

function accessIn(directory: string) {
  return parseLocalAccess(readFileSync(localAccessPath(`${directory}/data`), 'utf8'));
}

it('a server tells whoever may read its data where it is, and by what to be known', async () => {
  const run = await TestRun.start([]);
  const access = accessIn(run.directory);
  expect(access?.server).toBe(`127.0.0.1:${run.server.port}`);
  expect(statSync(localAccessPath(`${run.directory}/data`)).mode & 0o777).toBe(0o600);
  const client = await run.client();
  expect(await client.auth('local', access?.token ?? '')).toBe(Err.ok);
  const stranger = await run.client();
  expect(await stranger.auth('local', '')).toBe(Err.authFailed);
  await stranger.closed;
  await run.end(true);
  const again = await TestRun.start([], { directory: run.directory });
  expect(accessIn(run.directory)?.token).not.toBe(access?.token);
  const late = await again.client();
  expect(await late.auth('local', access?.token ?? '')).toBe(Err.authFailed);
  await again.end();
});

it('a server that listens everywhere is found on its own machine by its name', async () => {
  const run = await TestRun.start(['clientPortAddress=']);
  expect(accessIn(run.directory)?.server).toBe(`localhost:${run.server.port}`);
  await run.end();
});

it('a server serves although the file could not be made, and says what goes without it', async () => {
  const directory = newDirectory();
  // No file can be renamed to where a directory with something in it stands.
  mkdirSync(`${localAccessPath(`${directory}/data`)}/taken`, { recursive: true });
  const run = await TestRun.start([], { directory });
  await run.said.times(1, 'commands on this machine need the super user: the file for them failed');
  expect(await (await run.client()).create('/a')).toBe(Err.ok);
  await run.end();
});
