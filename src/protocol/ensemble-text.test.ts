import { describe, expect, it } from 'vitest';
import { type EnsembleText, parseEnsemble, printEnsemble } from './ensemble-text.ts';

function entries(...lines: string[]): [string, string][] {
  return lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
}

function parse(...lines: string[]): EnsembleText {
  return parseEnsemble(entries(...lines)) as EnsembleText;
}

describe('the text of an ensemble', () => {
  it('is what ZooKeeper shows in /zookeeper/config', () => {
    const ensemble = parse('server.3=c:1:2:observer;5', 'server.1=a:1:2', 'server.2=b:1:2;h:4');
    expect(printEnsemble(ensemble, 0x1_0000_0000)).toBe(
      'server.1=a:1:2:participant\nserver.2=b:1:2:participant;h:4\n' +
        'server.3=c:1:2:observer;0.0.0.0:5\nversion=100000000',
    );
  });

  it('has groups and the weights of all voters when there are any', () => {
    const servers = [
      'server.1=a:1:2',
      'server.2=b:1:2',
      'server.3=c:1:2',
      'server.4=d:1:2:observer',
    ];
    const ensemble = parse(...servers, 'group.2=3', 'group.1=1:2', 'weight.2=0', 'weight.4=7');
    expect(printEnsemble(ensemble, 0).split('\n').slice(4)).toEqual([
      'group.1=1:2',
      'group.2=3',
      'weight.1=1',
      'weight.2=0',
      'weight.3=1',
      'version=0',
    ]);
  });

  it('lists servers as a HashMap of ZooKeeper’s holds them', () => {
    const few = parse('server.2=a:1:2', 'server.17=b:1:2', 'server.16=c:1:2');
    expect(printEnsemble(few, 0).match(/server\.\d+/g)).toEqual([
      'server.16',
      'server.17',
      'server.2',
    ]);
    const many = parse(...Array.from({ length: 13 }, (_, i) => `server.${i + 5}=h${i}:1:2`));
    expect(
      printEnsemble(many, 0)
        .match(/\d+(?==h)/g)
        ?.map(Number),
    ).toEqual(Array.from({ length: 13 }, (_, i) => i + 5));
  });

  it.each([
    [['server.1=a:1:2', 'server.01=b:1:2'], 'server.01', 'another line'],
    [['server.0=a:1:2'], 'server.0', '1 to 254'],
    [['server.255=a:1:2'], 'server.255', '1 to 254'],
    [['server.1=a:1'], 'server.1', 'host:port:port'],
    [['server.1=a:1:2', 'group.1=1', 'group.2=1'], 'group.2', 'in two groups'],
    [['server.1=a:1:2', 'weight.1=2'], 'server.1', 'in no group'],
    [['group.0=1'], 'group.0', 'count from 1'],
  ])('of %j is refused for %s', (lines, key, message) => {
    const fault = parseEnsemble(entries(...lines));
    expect(fault).toMatchObject({ key, notANumber: false });
    expect(fault).toHaveProperty('message', expect.stringContaining(message));
  });

  it.each(['server.x=a:1:2', 'group.1=1:x', 'group.1=', 'weight.1=-1', 'weight.x=1', 'groups=1'])(
    'with %j lacks a number',
    (line) => {
      expect(parseEnsemble(entries(line))).toMatchObject({ notANumber: true });
    },
  );
});
