import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../entry/client.ts';
import { TestRun } from '../entry/running-server.test-helper.ts';
import { NodeExistsError, NoNodeError } from './errors.ts';

let run: TestRun;
let servers: string;

beforeAll(async () => {
  run = await TestRun.start(['extendedTypesEnabled=true']);
  servers = `127.0.0.1:${run.server.port}`;
});
afterAll(() => run.end());

describe('a client', () => {
  it('creates, reads, changes and deletes a znode', async () => {
    await using zk = await connect(servers);
    expect(await zk.create('/a', 'one')).toBe('/a');
    await expect(zk.create('/a')).rejects.toBeInstanceOf(NodeExistsError);
    const { data, stat } = await zk.getData('/a', { as: 'string' });
    expect([data, stat.version, stat.dataLength]).toEqual(['one', 0, 3]);
    expect((await zk.setData('/a', 'two', { version: 0 })).version).toBe(1);
    expect(await zk.getChildren('/')).toContain('a');
    expect((await zk.exists('/a'))?.version).toBe(1);
    await zk.delete('/a', { version: 1 });
    expect(await zk.exists('/a')).toBeNull();
    await expect(zk.getData('/a')).rejects.toBeInstanceOf(NoNodeError);
  });
});
