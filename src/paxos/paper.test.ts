import { describe, expect, it } from 'vitest';
import { Quorums } from './quorum.ts';
import { runScript } from './testing/script.ts';

/** Runs commands from a cluster whose first opening is decided; returns what they lead to. */
function following(cluster: string, commands: string): string {
  const script = `cluster ${cluster}\ntick 1\nsettle\n----\n\n${commands.trim()}\n----\n`;
  return runScript(script).split('----\n')[2] as string;
}

const voters = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: i + 1, weight: 1, group: 0 }));

describe('Paxos Made Simple', () => {
  it('2.2, P1: an acceptor accepts the first proposal that it receives', () => {
    const trace = following('3', 'propose 1\nwrite 1\ndeliver 1->2\nwrite 2');
    expect(trace).toContain('1 -> 2 accept 1.1 c1 after=1 [2]');
  });

  it('2.2, P1a: it accepts unless it has promised a higher number', () => {
    const trace = following(
      '3',
      'propose 1\nwrite 1\nhandover 1\ndeliver 1->2 handOver\nwrite 2\ndeliver 2->3 prepare\nwrite 3\ndeliver 1->3 accept\nwrite 3\nstatus\ndeliver 3->1',
    );
    expect(trace).toContain('1 -> 3 accept 1.1 c1 after=1 [2]');
    expect(trace).toContain('3: follower c1 promised 2.2 accepted 1.1 decided 1 of 1');
    expect(trace).toContain('3 -> 1 nack 1.1 c1 promised=2.2');
  });

  it('2.2, P2b and P2c: a higher proposal has the value that may have been chosen', () => {
    const trace = following('3', 'cut 1->3\npropose 1\nsettle\ncrash 1\ntick 3\nsettle\nstatus');
    expect(trace).toMatch(/2 -> 3 promise 2\.3 c1 accepted=1\.1 last=2 .* \[2\]/);
    expect(trace).toContain('3: leader c1 promised 2.3 accepted 2.3 decided 3 of 3');
  });

  it('2.3: with no value reported, the proposer chooses freely', () => {
    const trace = following('3', 'propose 1\nwrite 1\nlose\ncrash 1\ntick 2\nsettle\nstatus');
    expect(trace).toContain('propose 2 slot 2');
    expect(trace).toContain('2: leader c1 promised 2.2 accepted 2.2 decided 2 of 2');
  });

  it('2.3: a majority of acceptors is enough, and less is not', () => {
    const one = following('3', 'crash 2\ncrash 3\npropose 1\nsettle\nstatus');
    expect(one).toContain('1: leader c1 promised 1.1 accepted 1.1 decided 1 of 2');
    const two = following('3', 'crash 3\npropose 1\nsettle\nstatus');
    expect(two).toContain('1: leader c1 promised 1.1 accepted 1.1 decided 2 of 2');
  });

  it('2.5: what was promised is in stable storage before the answer', () => {
    const trace = following(
      '3',
      'crash 1\ntick 2\ndeliver\ndeliver\nwrite 2\ndeliver\ncrash 3\nstart 3',
    );
    expect(trace).not.toContain('3 -> 2 promise');
    expect(trace).toContain('start 3 promised 1.1');
  });

  it('2.5: no proposer uses a number twice, over a crash either', () => {
    const trace = following('3', 'crash 1\nstart 1\ntick 1\nsettle\ntick 1 2\nsettle\nstatus');
    expect(trace).toMatch(/1: leader c1 promised 2\.1/);
  });

  it('3: phase 1 is executed once for all slots, phase 2 for each', () => {
    const trace = following('3', 'propose 1\nsettle\npropose 1\nsettle');
    expect(trace).not.toContain('prepare');
    expect(trace).toContain('1 -> 2 accept 1.1 c1 after=2 [3]');
  });
});

describe('Sequence Paxos and OmniPaxos', () => {
  it('3, AcceptSync: a follower takes the leader’s log in place of what it contradicts', () => {
    const trace = following(
      '3',
      'propose 1\nwrite 1\nlose\ncrash 1\ntick 2\nsettle\nstart 1\ntick 2 2\nsettle\nstatus',
    );
    expect(trace).toContain('1: follower c1 promised 2.2 accepted 2.2 decided 2 of 2');
  });

  it('4, stop-sign: nothing follows it before it is decided', () => {
    const trace = following('3 +11', 'reconfigure 1 1,2,11\npropose 1\npropose 1\nstatus');
    expect(trace).not.toContain('propose');
    expect(trace).toContain('1: leader c1 promised 1.1 accepted 1.1 decided 1 of 2');
  });

  it('4, stop-sign: the new configuration elects its own leader', () => {
    const trace = following('3 +11', 'reconfigure 1 1,2,11\nsettle\nstatus');
    expect(trace).toContain('1 -> 11 prepare 2.1 c2');
    expect(trace).toContain('1: leader c2 promised 2.1');
  });

  it('2.1, chained: who does not hear the leader does not depose it', () => {
    const trace = following('3', 'cut 1->3\ncut 3->1\ntick 3 5\nsettle\npropose 1\nsettle\nstatus');
    expect(trace).toContain('granted=false');
    expect(trace).toContain('1: leader c1 promised 1.1 accepted 1.1 decided 2 of 2');
  });
});

describe('Flexible Paxos', () => {
  it('3: phase-1 quorums need to meet phase-2 quorums only', () => {
    const spec = { voters: voters(4), electionSize: 3, writeSize: 2, hierarchical: false };
    const quorums = new Quorums(spec);
    expect(quorums.check()).toBeNull();
    expect(quorums.isWriteQuorum(new Set([1, 2]))).toBe(true);
    expect(quorums.isWriteQuorum(new Set([3, 4]))).toBe(true);
    expect(quorums.isElectionQuorum(new Set([1, 2]))).toBe(false);
  });

  it('3: and must meet them', () => {
    const spec = { voters: voters(4), electionSize: 2, writeSize: 2, hierarchical: false };
    expect(new Quorums(spec).check()).not.toBeNull();
  });
});

describe('Viewstamped Replication Revisited', () => {
  it('4.3: a replica that lost what it said takes no part before it has recovered', () => {
    const trace = following(
      '3',
      'propose 1\nsettle\ncrash 1\ncrash 3\ndamage 3 1\nstart 3\ntick 2\nsettle',
    );
    expect(trace).toContain('3 -> 2 preVoteReply 2.2 c1 granted=false');
    expect(trace).not.toContain('prepare');
  });

  it('4.3: answers from before its crash do not make it whole', () => {
    const trace = following(
      '3',
      'propose 1\nsettle\ncrash 3\ndamage 3 1\nstart 3\ntick 1 2\nsettle\nstatus\ntick 1\nsettle\nstatus',
    );
    expect(trace).toMatch(/3: follower c1 .* accepted 1\.1 decided . of . damaged/);
    expect(trace).toMatch(/3: follower c1 .* accepted 2\.1 decided 3 of 3$/m);
  });
});

describe('rules.md', () => {
  it('3: a leader decides an entry of its own first', () => {
    const trace = following('3', 'crash 1\ntick 2\nsettle\npropose 2\nsettle');
    expect(trace).toMatch(/propose 2 slot 2[\s\S]*propose 2 slot 3/);
  });

  it('7: a leader counts its own vote after its own sync', () => {
    const trace = following(
      '3',
      'crash 3\npropose 1\ndeliver\nwrite 2\ndeliver\nstatus\nwrite 1\nstatus',
    );
    expect(trace).toContain('1: leader c1 promised 1.1 accepted 1.1 decided 1 of 2');
    expect(trace).toContain('1: leader c1 promised 1.1 accepted 1.1 decided 2 of 2');
  });

  it('13: what leaves a gap is not taken', () => {
    const trace = following(
      '3',
      'propose 1\nlose 1->2\npropose 1\ndeliver 1->2\nwrite 2\nstatus\ntick 1 2\nsettle\nstatus',
    );
    expect(trace).toContain('2: follower c1 promised 1.1 accepted 1.1 decided 1 of 1');
    expect(trace).toContain('2: follower c1 promised 1.1 accepted 1.1 decided 3 of 3');
  });

  it('16: a replica that comes back raises nobody’s ballot', () => {
    const trace = following(
      '3',
      'cut 1->3\ncut 2->3\ncut 3->1\ncut 3->2\ntick 3 50\nheal\ntick 3\nsettle\nstatus',
    );
    expect(trace).toContain('1: leader c1 promised 1.1');
  });

  it('16: a leader without a quorum steps down', () => {
    const trace = following('3', 'cut 2->1\ncut 3->1\ntick 1 11\nstatus');
    expect(trace).toContain('1: follower');
  });
});
