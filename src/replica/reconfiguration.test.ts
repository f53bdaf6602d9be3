import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { type Configuration, configurationIn } from '../paxos/configuration.ts';
import { EntryKind } from '../paxos/entry.ts';
import { Progress } from '../paxos/progress.ts';
import { encodeRecord } from '../protocol/codec.ts';
import { Err, Op } from '../protocol/constants.ts';
import { CommandFlag, CommandHeader, CommandKind } from '../state/command.ts';
import { Identities } from '../state/identities.ts';
import { Verdict } from '../state/outcome.ts';
import {
  encodeCommand,
  genesisBody,
  genesisMembership,
  identityOf,
  openEpochBody,
} from '../state/testing/commands.ts';
import { type Client, Harness } from '../state/testing/harness.ts';
import { openEntry } from './applier.ts';
import { type Proposal, proposalFor } from './reconfiguration.ts';

const SUPER = new Identities([{ scheme: 'super', id: '' }]);
const ON = CommandFlag.reconfigEnabled | CommandFlag.standaloneEnabled;
const NEWCOMER = 'server.5=zk5:2888:3888:participant;0.0.0.0:2181';

interface Asked {
  readonly joining?: string;
  readonly leaving?: string;
  readonly identities?: Identities;
  readonly sequence?: number;
}

/** A leader, server 1, of three voters and an observer. */
class Bench {
  readonly h: Harness = new Harness();
  readonly client: Client;
  readonly configuration: Configuration;
  readonly progress: Progress[] = [];
  readonly strangers: Map<number, Uint8Array> = new Map();

  constructor() {
    const membership = genesisMembership();
    this.h.command({ kind: CommandKind.genesis, body: genesisBody(membership) });
    this.h.command({ kind: CommandKind.openEpoch, body: openEpochBody(true) });
    this.h.flags = ON;
    this.client = this.h.open();
    const voters = [1, 2, 3].map((id) => ({ id, weight: 1, group: 0 }));
    const quorums = { voters, electionSize: 0, writeSize: 0, hierarchical: false };
    this.configuration = { id: 1, quorums, observers: [4] };
    for (const id of [2, 3, 4]) this.follows(id);
  }

  follows(id: number, match = 9): void {
    const progress = new Progress(id);
    progress.isSynced = true;
    progress.match = match;
    this.progress.push(progress);
  }

  isGone(id: number): void {
    for (const progress of this.progress) if (progress.id === id) progress.isSynced = false;
  }

  /** What the leader makes of it, and what it then comes to on every replica. */
  propose({ joining, leaving, identities = SUPER, sequence }: Asked): Proposal {
    const request = new Writer();
    encodeRecord(request, 'ReconfigRequest', {
      joiningServers: joining ?? null,
      leavingServers: leaving ?? null,
      newMembers: null,
      curConfigId: -1,
    });
    const { high, low, generation } = this.client;
    const command = encodeCommand({
      kind: CommandKind.write,
      opcode: Op.reconfig,
      flags: ON,
      identities,
      high,
      low,
      generation,
      sequence: sequence ?? this.client.sequence + 1,
      body: request.written().slice(),
    });
    const writer = new Writer();
    writer.buffer(command);
    const identityFor = (id: number): Uint8Array | undefined => this.strangers.get(id);
    return proposalFor(writer.written().slice(), this.h.state, this, 1, identityFor);
  }

  /** Applies it: the error, and the verdict. */
  apply({ kind, body }: Proposal): [number, number] {
    const reader = new Reader();
    const hash = new Uint8Array(32);
    openEntry(reader, { slot: 1, round: 1, replica: 1, kind, body, hash });
    const length = reader.i32();
    const command = reader.bytes.slice(reader.at, reader.at + length);
    const { error, verdict } = this.h.apply(command);
    if (verdict === Verdict.applied) this.client.sequence++;
    return [error, verdict];
  }
}

function configurationOf({ body }: Proposal): Configuration {
  return configurationIn(body);
}

function votersOf(proposal: Proposal): number[] {
  return configurationOf(proposal).quorums.voters.map(({ id }) => id);
}

describe('a reconfig becomes', () => {
  it('a stop-sign with the next configuration, and a command that all apply alike', () => {
    const bench = new Bench();
    const proposal = bench.propose({ leaving: '3' });
    expect([proposal.kind, configurationOf(proposal).id]).toEqual([EntryKind.configuration, 2]);
    expect([votersOf(proposal), configurationOf(proposal).observers]).toEqual([[1, 2], [4]]);
    expect(bench.apply(proposal)).toEqual([Err.ok, Verdict.applied]);
    const { membership } = bench.h.state;
    expect([membership?.number, membership?.members.map(({ id }) => id)]).toEqual([2, [1, 2, 4]]);
  });

  it('one with the identity of the replica that joins, as it has shown itself', () => {
    const bench = new Bench();
    bench.strangers.set(5, identityOf(55));
    bench.follows(5);
    const proposal = bench.propose({ joining: NEWCOMER });
    expect(votersOf(proposal)).toEqual([1, 2, 3, 5]);
    expect(bench.apply(proposal)[0]).toBe(Err.ok);
    const member = bench.h.state.membership?.members.find(({ id }) => id === 5);
    expect(member?.identity).toEqual(identityOf(55));
  });

  it('a refusal while nobody has seen the replica that is to join', () => {
    const bench = new Bench();
    bench.follows(5);
    const proposal = bench.propose({ joining: NEWCOMER });
    expect(proposal.kind).toBe(EntryKind.batch);
    const header = new CommandHeader();
    header.decode(new Reader(proposal.body.subarray(4)));
    expect([header.kind, header.opcode]).toEqual([CommandKind.reject, Op.reconfig]);
    expect(bench.apply(proposal)).toEqual([Err.newConfigNoQuorum, Verdict.applied]);
  });

  it('a refusal while those who would decide are not all here, or have followed in nothing', () => {
    const bench = new Bench();
    bench.isGone(2);
    expect(bench.propose({ leaving: '3' }).kind).toBe(EntryKind.batch);
    const fresh = new Bench();
    fresh.progress.length = 0;
    fresh.follows(2, 0);
    expect(fresh.propose({ leaving: '3' }).kind).toBe(EntryKind.batch);
    fresh.follows(3);
    expect(fresh.propose({ leaving: '4' }).kind).toBe(EntryKind.configuration);
  });

  it('a batch of its own where apply will refuse it, with the code that apply finds', () => {
    const bench = new Bench();
    const nobody = bench.propose({ leaving: '3', identities: Identities.none });
    expect(nobody.kind).toBe(EntryKind.batch);
    expect(bench.apply(nobody)[0]).toBe(Err.noAuth);
    const wrong = bench.propose({ leaving: '1,2' });
    expect(wrong.kind).toBe(EntryKind.batch);
    expect(bench.apply(wrong)[0]).toBe(Err.badArguments);
  });

  it('no stop-sign when it was applied before and came again to another leader', () => {
    const bench = new Bench();
    expect(bench.apply(bench.propose({ leaving: '3', sequence: 1 }))[0]).toBe(Err.ok);
    bench.strangers.set(3, identityOf(3));
    const back = bench.propose({ joining: 'server.3=zk3:2888:3888:participant;0.0.0.0:2181' });
    expect(bench.apply(back)[0]).toBe(Err.ok);
    const repeat = bench.propose({ leaving: '3', sequence: 1 });
    expect(repeat.kind).toBe(EntryKind.batch);
    expect(bench.apply(repeat)[1]).toBe(Verdict.repeat);
    // Nor when something ahead of it was lost.
    const early = bench.propose({ leaving: '3', sequence: 9 });
    expect([early.kind, bench.apply(early)[1]]).toEqual([EntryKind.batch, Verdict.refused]);
  });

  it('another identity under the same id, when a member is replaced', () => {
    const bench = new Bench();
    bench.isGone(3);
    bench.strangers.set(3, identityOf(33));
    const proposal = bench.propose({ joining: 'replace.3' });
    expect(votersOf(proposal)).toEqual([1, 2, 3]);
    expect(bench.apply(proposal)[0]).toBe(Err.ok);
    const member = bench.h.state.membership?.members.find(({ id }) => id === 3);
    expect(member?.identity).toEqual(identityOf(33));
  });
});
