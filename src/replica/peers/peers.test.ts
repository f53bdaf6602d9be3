import { expect, it } from 'vitest';
import { silentLogger } from '../../io/logger.ts';
import { NodeChecksums } from '../../io/node/checksums.ts';
import { NodeClock } from '../../io/node/clock.ts';
import { NodeNetwork } from '../../io/node/network.ts';
import type { Ballot } from '../../paxos/ballot.ts';
import type { StateDigest } from '../digest-votes.ts';
import type { Touch } from '../peer-port.ts';
import type { Replica } from '../replica.ts';
import { Turn } from '../turn.ts';
import { PeerListener } from './listener.ts';
import { Peers } from './peers.ts';

const BALLOT: Ballot = { round: 2 ** 40, replica: 2 };
const LAST_REPORT = 77;

/** A replica that remembers what came to it. */
class Ears {
  readonly reports: [number: number, touches: readonly Touch[]][] = [];
  readonly heard: unknown[] = [];
  readonly connected: number[] = [];

  onConnected(peer: number): void {
    this.connected.push(peer);
  }

  onDisconnected(): void {}

  onReport(_from: number, _ballot: Ballot, number: number, touches: readonly Touch[]): void {
    this.reports.push([number, touches]);
  }

  onDigests(from: number, ballot: Ballot, digests: readonly StateDigest[]): void {
    this.heard.push([from, ballot, digests]);
  }

  onDiffers(from: number, ballot: Ballot, digest: StateDigest): void {
    this.heard.push([from, ballot, digest]);
  }

  onAskIndex(...all: unknown[]): void {
    this.heard.push(all);
  }

  onTellIndex(...all: unknown[]): void {
    this.heard.push(all);
  }
}

async function side(id: number) {
  const clock = new NodeClock();
  const turn = new Turn(clock);
  const io = {
    network: new NodeNetwork(),
    checksums: new NodeChecksums(),
    turn,
    logger: silentLogger,
    nowMs: () => clock.monotonicMs(),
  };
  const listener = new PeerListener(io, id);
  await listener.open('127.0.0.1', 0);
  const identity = new Uint8Array(16).fill(id);
  const peers = new Peers({
    io,
    clock,
    listener,
    serverId: id,
    identity,
    clusterId: new Uint8Array(16).fill(9),
    line: '',
    refuse: () => null,
    onLearner: () => {},
    fetch: () => {},
  });
  const ears = new Ears();
  peers.start(ears as unknown as Replica);
  return { peers, ears, listener, identity };
}

it('what replicas tell each other arrives as it was told, a long report in frames of bounded size', async () => {
  const [one, two] = [await side(1), await side(2)];
  const addresses = [{ host: '127.0.0.1', port: two.listener.port }];
  one.peers.setMembers([{ serverId: 2, addresses, identity: two.identity }]);
  await expect.poll(() => one.ears.connected).toEqual([2]);
  const touches = Array.from({ length: 250_000 }, (_, i) => ({ high: ~i, low: i }));
  one.peers.report(2, BALLOT, LAST_REPORT, touches);
  const digest = { slot: 2 ** 33, high: -5, low: 7 };
  one.peers.tellDigests(2, BALLOT, [digest, { ...digest, low: -1 }]);
  one.peers.tellDiffers(2, BALLOT, digest);
  one.peers.askIndex(2, BALLOT, 5);
  one.peers.tellIndex(2, 5, 2 ** 34);
  await expect.poll(() => two.ears.heard.length).toBe(4);
  expect(two.ears.heard).toEqual([
    [1, BALLOT, [digest, { ...digest, low: -1 }]],
    [1, BALLOT, digest],
    [1, BALLOT, 5],
    [5, 2 ** 34],
  ]);
  const { reports } = two.ears;
  expect(reports.map(([number, { length }]) => [number, length])).toEqual([
    [-1, 100_000],
    [-1, 100_000],
    [LAST_REPORT, 50_000],
  ]);
  const all = reports.flatMap(([, some]) => some);
  expect(all.findIndex(({ high, low }, i) => high !== ~i || low !== i)).toBe(-1);
  for (const { peers, listener } of [one, two]) {
    peers.stop();
    await listener.close();
  }
});
