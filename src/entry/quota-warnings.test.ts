import { expect, it } from 'vitest';
import { type LogFields, silentLogger } from '../io/logger.ts';
import { Err } from '../protocol/constants.ts';
import { SimClock } from '../sim/clock.ts';
import { ExceededQuota } from '../state/outcome.ts';
import { QuotaWarnings } from './quota-warnings.ts';
import { TestRun } from './running-server.test-helper.ts';

it('a soft quota that is exceeded is said once in ten seconds, and how often it was not', () => {
  const clock = new SimClock();
  const said: LogFields[] = [];
  const warn = (fields: LogFields): void => void said.push(fields);
  const warnings = new QuotaWarnings(clock, { ...silentLogger, warn });
  const quota = new ExceededQuota();
  Object.assign(quota, { what: 'bytes', limit: 10, use: 11 });
  quota.path.raw(Uint8Array.from('/a', (c) => c.charCodeAt(0)));
  for (let seconds = 0; seconds < 20; seconds++) {
    warnings.exceeded(quota);
    clock.advance(1_000);
  }
  const fields = { path: '/a', of: 'bytes', limit: 10, use: 11 };
  expect(said).toEqual([
    { ...fields, writesUnsaid: 0 },
    { ...fields, writesUnsaid: 9 },
  ]);
});

it('a server says so, where quotas are enforced', async () => {
  for (const isEnforced of [true, false]) {
    const run = await TestRun.start([`enforceQuota=${isEnforced}`]);
    const client = await run.client();
    const quota = '/zookeeper/quota/a';
    for (const path of ['/a', quota]) expect(await client.create(path)).toBe(Err.ok);
    await client.create(`${quota}/zookeeper_limits`, 'count=2,bytes=-1');
    await client.create(`${quota}/zookeeper_stats`, 'count=1,bytes=0');
    expect(await client.create('/a/b')).toBe(Err.ok);
    expect(run.said.count('a soft quota is exceeded')).toBe(0);
    for (const path of ['/a/c', '/a/d']) expect(await client.create(path)).toBe(Err.ok);
    expect(run.said.count('a soft quota is exceeded')).toBe(isEnforced ? 1 : 0);
    await run.end();
  }
});
