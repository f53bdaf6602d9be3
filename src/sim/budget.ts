import { type Configuration, isVoter } from '../paxos/configuration.ts';
import { Quorums } from '../paxos/quorum.ts';

/**
 * Whether an ensemble bears it that nothing counts which the disks of `unsound` hold: the other
 * voters can elect a leader and decide without them. Then whatever was chosen is with one of those
 * who elect, because every quorum that chose it shares a voter with theirs.
 */
export function bears(configuration: Configuration, unsound: ReadonlySet<number>): boolean {
  const { voters } = configuration.quorums;
  const sound = new Set(voters.map(({ id }) => id).filter((id) => !unsound.has(id)));
  const quorums = new Quorums(configuration.quorums);
  return quorums.isElectionQuorum(sound) && quorums.isWriteQuorum(sound);
}

export function isMember(configuration: Configuration, id: number): boolean {
  return isVoter(configuration, id) || configuration.observers.includes(id);
}
