import { beforeEach, describe, expect, it } from 'vitest';
import type { Stream, StreamHandler } from '../io/network.ts';
import { type Host, NetworkWorld, SimNetwork } from './network.ts';
import { SimProcess } from './process.ts';
import { World } from './world.ts';

const SECOND_US = 1_000_000;

class End implements StreamHandler {
  readonly stream: Stream;
  text = '';
  reads = 0;
  drains = 0;
  closed = 0;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  onData(bytes: Uint8Array): void {
    this.text += new TextDecoder().decode(bytes);
    this.reads++;
  }

  onDrain(): void {
    this.drains++;
  }

  onClose(): void {
    this.closed++;
  }

  say(text: string): boolean {
    return this.stream.write(new TextEncoder().encode(text));
  }
}

let world: World;
let network: NetworkWorld;
let hosts: [Host, Host];
let processes: [SimProcess, SimProcess];
let accepted: End[];
let failed: string[];

beforeEach(() => {
  world = new World(1);
  network = new NetworkWorld(world);
  hosts = [network.addHost('a'), network.addHost('b')];
  processes = [new SimProcess(world, 'a'), new SimProcess(world, 'b')];
  accepted = [];
  failed = [];
  void new SimNetwork(processes[1], hosts[1]).listen(
    { host: undefined, port: 1, backlog: undefined },
    (stream) => {
      const end = new End(stream);
      accepted.push(end);
      return end;
    },
  );
});

/** The near end of a new connection from a to b; absent if it fails. */
function dial(port = 1): End[] {
  const opened: End[] = [];
  new SimNetwork(processes[0], hosts[0]).connect(
    { host: 'b', port },
    (stream) => {
      const end = new End(stream);
      opened.push(end);
      return end;
    },
    (error) => failed.push(error.message),
  );
  return opened;
}

async function connected(): Promise<[End, End]> {
  const opened = dial();
  await world.run(SECOND_US);
  return [opened[0] as End, accepted[0] as End];
}

describe('a cut link', () => {
  it('holds bytes back until it is healed, and then delivers them in order', async () => {
    const [near, far] = await connected();
    near.say('1');
    network.links.split(['a'], ['b']);
    near.say('2');
    near.say('3');
    await world.run(5 * SECOND_US);
    expect(far.text).toBe('');
    network.links.heal();
    await world.run(5 * SECOND_US);
    expect([far.text, near.closed, far.closed]).toEqual(['123', 0, 0]);
  });

  it('breaks the side that has something to say, in the end, and the other hears nothing', async () => {
    const [near, far] = await connected();
    network.links.split(['a'], ['b']);
    near.say('lost');
    await world.run(60 * SECOND_US);
    expect([near.closed, far.closed, far.text]).toEqual([1, 0, '']);
    network.links.heal();
    far.say('anybody there?');
    await world.run(SECOND_US);
    expect(far.closed).toBe(1);
  });

  it('in one direction stops those bytes only, until their acknowledgements are missed', async () => {
    const [near, far] = await connected();
    network.links.change(['a'], ['b'], { isCut: true });
    far.say('hello');
    near.say('hello');
    await world.run(SECOND_US);
    expect([near.text, far.text]).toEqual(['hello', '']);
    await world.run(60 * SECOND_US);
    expect([near.closed, far.closed]).toEqual([1, 1]);
  });

  it('lets a dial wait, and fail in the end', async () => {
    network.links.split(['a'], ['b']);
    const opened = dial();
    await world.run(5 * SECOND_US);
    expect([opened.length, failed.length]).toEqual([0, 0]);
    await world.run(60 * SECOND_US);
    expect(failed).toEqual(['ETIMEDOUT: b:1']);
  });
});

describe('a host', () => {
  it('whose process is killed closes its connections and refuses new ones', async () => {
    const [near] = await connected();
    processes[1].kill();
    network.closeAllOf(processes[1], hosts[1]);
    dial();
    await world.run(SECOND_US);
    expect([near.closed, failed]).toEqual([1, ['ECONNREFUSED: b:1']]);
  });

  it('without power answers nothing, and after it resets what it does not know', async () => {
    const [near] = await connected();
    processes[1].kill();
    network.powerOff(hosts[1]);
    near.say('x');
    await world.run(5 * SECOND_US);
    expect(near.closed).toBe(0);
    hosts[1].isUp = true;
    await world.run(5 * SECOND_US);
    expect(near.closed).toBe(1);
  });

  it('whose process is paused still accepts, and hands everything over later, at once', async () => {
    processes[1].pause();
    const opened = dial();
    await world.run(SECOND_US);
    for (const text of ['ea', 'r', 'ly']) opened[0]?.say(text);
    await world.run(SECOND_US);
    expect([opened.length, accepted.length]).toEqual([1, 0]);
    processes[1].resume();
    await world.run(SECOND_US);
    expect([accepted[0]?.text, accepted[0]?.reads]).toEqual(['early', 1]);
  });
});

describe('a stream', () => {
  it('may come in pieces, and comes whole', async () => {
    network.fragmentation = 1;
    const [near, far] = await connected();
    near.say('0123456789');
    await world.run(SECOND_US);
    expect([far.text, far.reads]).toEqual(['0123456789', 2]);
  });

  it('takes no more than its buffer while the other side does not read', async () => {
    const [near, far] = await connected();
    far.stream.pause();
    let taken = 0;
    while (near.say('x'.repeat(10_000))) taken += 10_000;
    await world.run(SECOND_US);
    expect([taken > 50_000 && taken < 100_000, near.drains, far.text]).toEqual([true, 0, '']);
    far.stream.resume();
    await world.run(SECOND_US);
    expect([near.drains, far.text.length]).toEqual([1, taken + 10_000]);
  });

  it('is as slow as its link', async () => {
    const [near, far] = await connected();
    network.links.change(['a'], ['b'], { bytesPerMs: 10 });
    near.say('x'.repeat(10_000));
    await world.run(SECOND_US - 100);
    expect(far.text).toBe('');
    await world.run(SECOND_US / 10);
    expect(far.text).toHaveLength(10_000);
  });
});
