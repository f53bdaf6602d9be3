import { beforeEach, describe, expect, it } from 'vitest';
import type { DatagramSocket } from '../io/datagrams.ts';
import { SimDatagrams } from './datagrams.ts';
import { type Host, NetworkWorld } from './network.ts';
import { SimProcess } from './process.ts';
import { World } from './world.ts';

const PACKETS = 1_000;
const SECOND_US = 1_000_000;

let world: World;
let network: NetworkWorld;
let hosts: [Host, Host];
let processes: [SimProcess, SimProcess];
let socket: DatagramSocket;
let arrived: number[];

beforeEach(async () => {
  world = new World(1);
  network = new NetworkWorld(world);
  network.duplication = 0;
  hosts = [network.addHost('a'), network.addHost('b')];
  processes = [new SimProcess(world, 'a'), new SimProcess(world, 'b')];
  arrived = [];
  socket = await new SimDatagrams(processes[0], hosts[0]).open(
    { host: undefined, port: 7 },
    () => {},
  );
  await new SimDatagrams(processes[1], hosts[1]).open({ host: undefined, port: 7 }, ([byte]) => {
    arrived.push(byte ?? -1);
  });
});

async function sendMany(): Promise<void> {
  for (let i = 0; i < PACKETS; i++) {
    socket.send({ host: 'b', port: 7 }, new Uint8Array([i % 256]));
    await world.run(100);
  }
  await world.run(SECOND_US);
}

describe('simulated packets', () => {
  it('are lost as often as the link loses them', async () => {
    network.links.change(['a'], ['b'], { loss: 0.3 });
    await sendMany();
    expect(arrived.length).toBeGreaterThan(600);
    expect(arrived.length).toBeLessThan(800);
  });

  it('come twice now and then', async () => {
    network.duplication = 0.2;
    await sendMany();
    expect(arrived.length).toBeGreaterThan(1_100);
    expect(arrived.length).toBeLessThan(1_300);
  });

  it('overtake each other where delays differ', async () => {
    network.links.change(['a'], ['b'], { jitterUs: 10_000 });
    await sendMany();
    const inOrder = Array.from({ length: PACKETS }, (_, i) => i % 256);
    expect(arrived).not.toEqual(inOrder);
    expect(arrived.toSorted()).toEqual(inOrder.toSorted());
  });

  it('do not pass a cut, in its direction', async () => {
    network.links.change(['b'], ['a'], { isCut: true });
    await sendMany();
    expect(arrived).toHaveLength(PACKETS);
    network.links.split(['a'], ['b']);
    await sendMany();
    expect(arrived).toHaveLength(PACKETS);
  });

  it('wait for a process that is paused, as many as its kernel holds, and for no dead one', async () => {
    processes[1].pause();
    await sendMany();
    await sendMany();
    expect(arrived).toEqual([]);
    processes[1].resume();
    await world.run(SECOND_US);
    expect(arrived).toHaveLength(1_000);
    processes[1].kill();
    network.closeAllOf(processes[1], hosts[1]);
    await sendMany();
    expect(arrived).toHaveLength(1_000);
  });

  it('find nobody where the power is off', async () => {
    network.powerOff(hosts[1]);
    await sendMany();
    expect(arrived).toEqual([]);
  });
});
