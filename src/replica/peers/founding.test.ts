import { afterEach, describe, expect, it } from 'vitest';
import { type LogFields, silentLogger } from '../../io/logger.ts';
import { NodeChecksums } from '../../io/node/checksums.ts';
import { NodeClock } from '../../io/node/clock.ts';
import { NodeNetwork } from '../../io/node/network.ts';
import { Turn } from '../turn.ts';
import { type Ensemble, Founding, ReplacedError, serveFounding } from './founding.ts';
import { PeerListener } from './listener.ts';

const stops: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function identityOf(id: number): Uint8Array {
  return new Uint8Array(16).fill(id);
}

/** A blank replica, and where it listens. */
class Blank {
  readonly listener: PeerListener;
  readonly said: { message: string; fields: LogFields }[] = [];
  readonly id: number;
  private readonly clock = new NodeClock();
  private readonly io;

  constructor(id: number) {
    this.id = id;
    const { clock } = this;
    this.io = {
      network: new NodeNetwork(),
      checksums: new NodeChecksums(),
      turn: new Turn(clock),
      logger: {
        ...silentLogger,
        warn: (fields: LogFields, message: string) => this.said.push({ message, fields }),
      },
      nowMs: () => clock.monotonicMs(),
    };
    this.listener = new PeerListener(this.io, id);
    stops.push(() => this.listener.close());
  }

  async listen(): Promise<this> {
    await this.listener.open('127.0.0.1', 0);
    return this;
  }

  founding(others: readonly Blank[], text = 'the same'): Founding {
    const founding = new Founding({
      io: this.io,
      clock: this.clock,
      listener: this.listener,
      serverId: this.id,
      identity: identityOf(this.id),
      line: '',
      text,
      voters: [this, ...others].map(({ id }) => id),
      others: others.map(({ id, listener }) => ({
        serverId: id,
        addresses: [{ host: '127.0.0.1', port: listener.port }],
        identity: null,
      })),
    });
    stops.push(() => founding.stop());
    return founding;
  }
}

function ensembleOf(...members: [id: number, identity: number, isVoter: boolean][]): Ensemble {
  return {
    clusterId: identityOf(99),
    founder: 1,
    genesis: null,
    members: members.map(([serverId, identity, isVoter]) => ({
      serverId,
      identity: identityOf(identity),
      isVoter,
    })),
  };
}

async function twoBlanks(): Promise<[Blank, Blank]> {
  return [await new Blank(1).listen(), await new Blank(2).listen()];
}

describe('blank replicas', () => {
  it('found an ensemble when all are there; the lowest id does it, with all identities', async () => {
    const [one, two] = await twoBlanks();
    void two.founding([one]).enter();
    const entrance = await one.founding([two]).enter();
    expect(entrance.kind).toBe('found');
    if (entrance.kind !== 'found') return;
    expect([...entrance.identities]).toEqual([
      [1, identityOf(1)],
      [2, identityOf(2)],
    ]);
  });

  it('say who is not there, and whose lines are others, and found nothing', async () => {
    const [one, two] = await twoBlanks();
    const three = await new Blank(3).listen();
    void two.founding([one, three], 'another one').enter();
    void one.founding([two, three]).enter();
    await expect.poll(() => one.said.length, { timeout: 10_000 }).toBe(2);
    expect(one.said.map(({ message, fields }) => [message, fields.servers])).toEqual([
      ['waits for servers that are not there', [3]],
      ['other servers have other server lines, groups, weights or quorum sizes', [2]],
    ]);
  });

  it('enter an ensemble that knows them, or that has no voter of their id', async () => {
    for (const members of [
      ensembleOf([1, 1, true], [2, 2, true]),
      ensembleOf([1, 1, true], [2, 0, false]),
      ensembleOf([1, 1, true]),
    ]) {
      const [one, two] = await twoBlanks();
      serveFounding(one.listener, () => ({
        identity: identityOf(1),
        text: 'whatever',
        ensemble: members,
      }));
      expect(await two.founding([one]).enter()).toMatchObject({ kind: 'enter', from: 1 });
    }
  });

  it('stay out of one that knows another replica under their id: its votes are not here', async () => {
    const [one, two] = await twoBlanks();
    const ensemble = ensembleOf([1, 1, true], [2, 22, true]);
    serveFounding(one.listener, () => ({ identity: identityOf(1), text: 'whatever', ensemble }));
    await expect(two.founding([one]).enter()).rejects.toThrow(ReplacedError);
  });
});
