import { describe, expect, it } from 'vitest';
import type { Configuration } from '../../paxos/configuration.ts';
import type { Membership } from '../../state/membership.ts';
import { checkConfigurations } from './configurations.ts';
import { commandOf, evidenceOf } from './evidence.test-helper.ts';

function configurationOf(id: number, voters: readonly number[]): Configuration {
  const some = voters.map((voter) => ({ id: voter, weight: 1, group: 0 }));
  const quorums = { voters: some, electionSize: 0, writeSize: 0, hierarchical: false };
  return { id, quorums, observers: [] };
}

function membersOf(number: number, ids: readonly number[]): Membership {
  const members = ids.map((id) => ({ id, role: 'participant' }));
  return { number, members } as unknown as Membership;
}

const founded = commandOf({
  slot: 1,
  configuration: configurationOf(1, [1, 2, 3]),
  members: membersOf(1, [1, 2, 3]),
});

describe('a configuration', () => {
  it('names whom the state names', () => {
    const configuration = configurationOf(2, [1, 2]);
    const right = commandOf({ slot: 2, configuration, members: membersOf(2, [1, 2]) });
    const wrong = commandOf({ slot: 2, configuration, members: membersOf(2, [1, 3]) });
    expect(checkConfigurations(evidenceOf({}, [founded, right]))).toEqual([]);
    expect(checkConfigurations(evidenceOf({}, [founded, wrong]))).toHaveLength(1);
  });

  it('comes with a command that has an effect', () => {
    const configuration = configurationOf(2, [1, 2, 3]);
    const repeat = commandOf({ slot: 2, configuration, members: membersOf(1, [1, 2, 3]) });
    expect(checkConfigurations(evidenceOf({}, [founded, repeat]))).toHaveLength(1);
  });

  it('comes with every change of the members', () => {
    const write = commandOf({ slot: 2, members: membersOf(1, [1, 2, 3]) });
    const change = commandOf({ slot: 2, members: membersOf(2, [1, 2]) });
    expect(checkConfigurations(evidenceOf({}, [founded, write]))).toEqual([]);
    expect(checkConfigurations(evidenceOf({}, [founded, change]))).toHaveLength(1);
  });

  it('is none where one server serves alone', () => {
    expect(checkConfigurations(evidenceOf({}, [commandOf({})]))).toEqual([]);
  });
});
