import { describe, expect, it } from 'vitest';
import { effectiveSettings } from './describe.ts';
import { errorsOf, load, messages, warningsOf } from './load.test-helper.ts';
import type { LoadedConfig } from './load.ts';
import type { EnsembleConfig, ServerConfig } from './server-config.ts';

const THREE = ['server.1=a:1:2;3', 'server.2=b:1:2;4', 'server.3=c:1:2;5'];

/** A server of the ensemble that the lines describe, with a dataDir and a myid. */
function start(lines: readonly string[], myid: string | null = '2\n'): LoadedConfig {
  const files: Record<string, string> = myid === null ? {} : { '/d/myid': myid };
  return load({ file: ['dataDir=/d', ...lines].join('\n'), files });
}

function configOf(lines: readonly string[], myid?: string): ServerConfig {
  const loaded = start(lines, myid);
  if (loaded.config === null) throw new Error(messages(loaded, 'error').join('\n'));
  return loaded.config;
}

function ensembleOf(lines: readonly string[], myid?: string): EnsembleConfig | null {
  return configOf(lines, myid).ensemble;
}

function errors(lines: readonly string[], myid?: string | null): string[] {
  return messages(start(lines, myid), 'error');
}

function warnings(lines: readonly string[]): string[] {
  return messages(start(lines), 'warning');
}

describe('the server lines of an ensemble', () => {
  it('serve as they are', () => {
    const config = configOf([...THREE, 'server.4=d:1:2|d2:1:2:observer', 'initLimit=5']);
    expect(config).toMatchObject({ clientPort: 4, clientPortAddress: undefined });
    expect(config.ensemble).toMatchObject({
      serverId: 2,
      hierarchical: false,
      electionQuorumSize: 0,
      writeQuorumSize: 0,
      quorumListenOnAllIPs: false,
      readOnlyMode: false,
      leaderServes: true,
      standaloneEnabled: true,
      electionTimeoutMs: 800,
      heartbeatIntervalMs: 100,
    });
    expect(config.ensemble?.servers.map((server) => server.id)).toEqual([1, 2, 3, 4]);
    expect(config.ensemble?.servers[3]).toEqual({
      id: 4,
      addresses: [
        { host: 'd', quorumPort: 1, electionPort: 2 },
        { host: 'd2', quorumPort: 1, electionPort: 2 },
      ],
      role: 'observer',
      client: null,
      weight: 1,
      group: 0,
    });
    expect(warnings([...THREE, 'initLimit=5', 'syncLimit=2'])).toEqual([]);
  });

  it('may stand in a dynamic file', () => {
    const files = { dyn: THREE.join('\n'), '/d/myid': '3' };
    const loaded = load({ file: 'dataDir=/d\ndynamicConfigFile=dyn', files });
    expect(loaded.config?.ensemble?.serverId).toBe(3);
    expect(effectiveSettings(loaded).find(({ key }) => key === 'clientPort')).toMatchObject({
      value: '5',
      source: 'dyn:3',
    });
  });

  it('carry what the other keys say', () => {
    expect(
      ensembleOf([
        ...THREE,
        'quorumListenOnAllIPs=true',
        'readonlymode.enabled=true',
        'leaderServes=no',
        'standaloneEnabled=false',
        'quoll.electionTimeoutMs=3000',
        'quoll.heartbeatIntervalMs=1000',
        'quoll.electionQuorumSize=3',
        'quoll.writeQuorumSize=1',
      ]),
    ).toMatchObject({
      quorumListenOnAllIPs: true,
      readOnlyMode: true,
      leaderServes: false,
      standaloneEnabled: false,
      electionTimeoutMs: 3000,
      heartbeatIntervalMs: 1000,
      electionQuorumSize: 3,
      writeQuorumSize: 1,
    });
  });

  it('with one voter are an ensemble if standaloneEnabled=false', () => {
    const one = ['server.1=a:1:2;3', 'standaloneEnabled=false'];
    expect(ensembleOf(one, '1')).toMatchObject({ serverId: 1, standaloneEnabled: false });
    expect(errorsOf('standaloneEnabled=false')).toEqual([
      'zoo.cfg:2: standaloneEnabled: false makes an ensemble, which needs a voter: add ' +
        'server.1=host:port:port',
    ]);
  });

  it('need two voters before there is an observer', () => {
    const lines = ['server.1=a:1:2', 'server.2=b:1:2:observer'];
    expect(errorsOf(...lines)).toEqual([
      'zoo.cfg:3: server.2: an observer needs two voters, or one with standaloneEnabled=false',
    ]);
    expect(ensembleOf([...lines, 'standaloneEnabled=false'])?.servers).toHaveLength(2);
    expect(errorsOf('server.3=a:1:2:observer')).toHaveLength(1);
    expect(errorsOf('server.1=a:1:2', 'peerType=observer')).toEqual([
      'zoo.cfg:3: peerType: a server alone is a voter: remove the key, or add the others',
    ]);
  });

  it('must not name one server twice', () => {
    expect(errors([...THREE, 'server.2=d:1:2'])).toEqual([
      'zoo.cfg:5: server.2: there is another one in line 3: remove one',
    ]);
    expect(errors([...THREE, 'server.02=d:1:2'])[0]).toContain(
      'zoo.cfg:5: server.02: there is another line for server 2',
    );
    expect(errors(['server.300=d:1:2'])[0]).toContain('ids go from 1 to 254');
  });

  it.each([
    ['server.4=a:1:9', 'a:1 is taken by server.1'],
    ['server.4=d:1:2;1', 'd:1 is taken by server.4'],
    ['server.4=d:8:9;c:2', 'c:2 is taken by server.3'],
    ['server.4=a:8:9;3', 'a:3 is taken by server.1'],
  ])('must not listen twice at one place: %s', (line, message) => {
    expect(errors([...THREE, line])[0]).toBe(
      `zoo.cfg:5: server.4: ${message}: give each its own port`,
    );
  });

  it('that name no machine, or an even number of voters, are a warning', () => {
    expect(warnings([...THREE.slice(0, 2)])).toEqual([
      'zoo.cfg:3: server.2: 2 voters survive no more failures than 1: make it one more or less',
    ]);
    expect(warnings(['server.1=0.0.0.0:1:2', ...THREE.slice(1)])[0]).toContain(
      'zoo.cfg:2: server.1: 0.0.0.0 tells nobody where to find it',
    );
  });
});

describe('myid', () => {
  it('must be there, in the first line, and name a server', () => {
    expect(ensembleOf(THREE, ' 3 \nrest')?.serverId).toBe(3);
    expect(errors(THREE, null)).toEqual([
      'zoo.cfg:1: dataDir: cannot read /d/myid: no such file; write into it which of the servers ' +
        '1, 2, 3 this one is, such as 1',
    ]);
    for (const text of ['4', '', 'two', '-1']) {
      expect(errors(THREE, text)).toEqual([
        `/d/myid:1: ${JSON.stringify(text)} is none of the servers 1, 2, 3: write one of them`,
      ]);
    }
  });

  it('is not asked of a server alone', () => {
    expect(errors(['server.1=a:1:2'], null)).toEqual([]);
  });

  it('decides the role, and peerType only has a word to say', () => {
    const lines = [...THREE, 'server.4=d:1:2:observer', 'peerType=observer'];
    expect(messages(start(lines, '4'), 'warning')).toEqual([]);
    const loaded = start(lines, '2');
    expect(messages(loaded, 'warning')).toEqual([
      'zoo.cfg:6: peerType: server.2 says participant, and that counts: correct one of them',
    ]);
    expect(effectiveSettings(loaded).find(({ key }) => key === 'peerType')?.value).toBe(
      'participant',
    );
  });
});

describe('quorums', () => {
  it('of groups have weights', () => {
    const ensemble = ensembleOf([...THREE, 'group.1=1:2', 'group.2=3', 'weight.1=2']);
    expect(ensemble?.hierarchical).toBe(true);
    expect(ensemble?.servers.map(({ weight, group }) => [weight, group])).toEqual([
      [2, 1],
      [1, 1],
      [1, 2],
    ]);
  });

  it('of groups cover every voter once, with some weight', () => {
    expect(errors([...THREE, 'group.1=1:2'])[0]).toMatch('zoo.cfg:4: server.3: is in no group');
    expect(errors([...THREE, 'weight.1=1'])[0]).toMatch('server.1: is in no group');
    expect(errors([...THREE, 'group.1=1:2', 'group.2=2:3'])[0]).toBe(
      'zoo.cfg:6: group.2: server 2 is in two groups',
    );
    expect(errors([...THREE, 'group.1=1:2:x'])[0]).toMatch('zoo.cfg:5: group.1: must be ids');
    const weightless = ['weight.1=0', 'weight.2=0', 'weight.3=0'];
    expect(errors([...THREE, 'group.1=1:2:3', ...weightless])).toEqual([
      'zoo.cfg:5: group.1: no group has any weight',
    ]);
  });

  it('of even weight are a warning', () => {
    expect(warnings([...THREE, 'group.1=1:2', 'group.2=3'])).toEqual([
      'zoo.cfg:5: group.1: its weight is even (2): half of it decides nothing, so make it odd',
    ]);
  });

  it('of other sizes than majorities must meet', () => {
    expect(errors([...THREE, 'quoll.writeQuorumSize=1'])).toEqual([
      'zoo.cfg:5: quoll.writeQuorumSize: 2 voters that elect and 1 that accept may be 3 different ' +
        'ones of 3: quoll.electionQuorumSize and quoll.writeQuorumSize must be more than the 3 ' +
        'voters together (0: a majority)',
    ]);
    expect(errors([...THREE, 'quoll.electionQuorumSize=4'])[0]).toMatch(
      'zoo.cfg:5: quoll.electionQuorumSize: 4 of 3 voters is no quorum',
    );
    const groups = ['group.1=1:2:3', 'quoll.electionQuorumSize=3', 'quoll.writeQuorumSize=1'];
    expect(errors([...THREE, ...groups])[0]).toMatch('do not go with groups');
  });

  it('are not asked for so often that one lost heartbeat deposes a leader', () => {
    expect(errors([...THREE, 'quoll.heartbeatIntervalMs=300'])[0]).toMatch(
      'zoo.cfg:5: quoll.heartbeatIntervalMs: 800 ms of silence are fewer than 3 heartbeats',
    );
    expect(errors([...THREE, 'quoll.electionTimeoutMs=299'])[0]).toMatch(
      'zoo.cfg:5: quoll.electionTimeoutMs: 299 ms',
    );
    expect(errors([...THREE, 'quoll.electionTimeoutMs=300'])).toEqual([]);
  });

  it('have sessions that outlast four heartbeats, or a server could not answer them in time', () => {
    const slow = ['quoll.electionTimeoutMs=3000', 'quoll.heartbeatIntervalMs=1000'];
    expect(errors([...THREE, 'minSessionTimeout=399'])).toEqual([
      'zoo.cfg:5: minSessionTimeout: sessions of 399 ms are shorter than 4 heartbeats of 100 ms: ' +
        'they could end although their clients ask in time; allow 400 ms or more, or lower ' +
        'quoll.heartbeatIntervalMs',
    ]);
    expect(errors([...THREE, ...slow, 'minSessionTimeout=3999'])).toHaveLength(1);
    expect(errors([...THREE, ...slow, 'minSessionTimeout=4000'])).toEqual([]);
    // Where nobody has set it, ticks that are too short for it do not count.
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = configOf([...THREE, 'tickTime=10']);
    expect([minSessionTimeoutMs, maxSessionTimeoutMs]).toEqual([400, 400]);
    expect(configOf([...THREE, ...slow, 'tickTime=10']).minSessionTimeoutMs).toBe(4_000);
    expect(configOf(THREE).maxSessionTimeoutMs).toBe(60_000);
  });
});

it('nothing of an ensemble is taken for granted by a server alone', () => {
  expect(errorsOf('minSessionTimeout=1', 'maxSessionTimeout=2')).toEqual([]);
  expect(warningsOf('quoll.electionTimeoutMs=1000')).toEqual([]);
});
