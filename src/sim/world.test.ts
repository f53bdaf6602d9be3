import { describe, expect, it } from 'vitest';
import { SimProcess } from './process.ts';
import { ProcessClock } from './process-clock.ts';
import { World } from './world.ts';

describe('the world', () => {
  it('runs events by time, and those of one time in the order in which they were planned', async () => {
    const world = new World(1);
    const ran: string[] = [];
    for (const [delayUs, name] of [
      [30, 'c'],
      [10, 'a1'],
      [10, 'a2'],
      [20, 'b'],
    ] as const) {
      world.schedule(delayUs, () => ran.push(`${name}@${world.nowUs}`));
    }
    world.schedule(15, () => ran.push('never')).task = null;
    await world.run(100);
    expect(ran).toEqual(['a1@10', 'a2@10', 'b@20', 'c@30']);
    expect(world.nowUs).toBe(100);
  });

  it('keeps its order with many events', async () => {
    const world = new World(1);
    const times: number[] = [];
    for (let i = 0; i < 2_000; i++) {
      world.schedule(world.prng.below(500), () => times.push(world.nowUs));
    }
    await world.run(1_000);
    expect(times).toHaveLength(2_000);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('carries on all promises that an event settled before the next event', async () => {
    const world = new World(1);
    const ran: string[] = [];
    const chain = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await null;
      ran.push('chain');
    };
    world.schedule(1, () => void chain());
    world.schedule(1, () => ran.push('next'));
    await world.run(10);
    expect(ran).toEqual(['chain', 'next']);
  });

  it('stops as soon as it is told to', async () => {
    const world = new World(1);
    let count = 0;
    for (let i = 1; i <= 5; i++) world.schedule(i, () => count++);
    await world.run(100, () => count === 2);
    expect([count, world.nowUs]).toEqual([2, 2]);
  });
});

describe('a process', () => {
  it('that is paused gets what came meanwhile in order, when it goes on', async () => {
    const world = new World(1);
    const process = new SimProcess(world, 'p');
    const ran: string[] = [];
    for (let i = 1; i <= 3; i++) process.schedule(i * 10, () => ran.push(`${i}@${world.nowUs}`));
    world.schedule(15, () => process.pause());
    world.schedule(50, () => process.resume());
    process.schedule(50, () => ran.push(`4@${world.nowUs}`));
    await world.run(100);
    expect(ran).toEqual(['1@10', '2@50', '3@50', '4@50']);
  });

  it('that is dead gets nothing', async () => {
    const world = new World(1);
    const process = new SimProcess(world, 'p');
    let count = 0;
    process.schedule(10, () => count++);
    process.schedule(20, () => count++);
    world.schedule(15, () => process.kill());
    await world.run(100);
    expect(count).toBe(1);
  });

  it('that is slow handles one event after another, each in its time', async () => {
    const world = new World(1);
    const process = new SimProcess(world, 'p');
    process.eventCostUs = 7;
    const ran: number[] = [];
    for (const delayUs of [10, 10, 12, 40]) process.schedule(delayUs, () => ran.push(world.nowUs));
    await world.run(100);
    expect(ran).toEqual([10, 17, 24, 40]);
  });

  it('sees its own clock: drift in both times, steps in the one on the wall', async () => {
    const world = new World(1);
    const process = new SimProcess(world, 'p');
    const machine = { wallAheadMs: 0, rate: 2 };
    const clock = new ProcessClock(process, machine);
    const bornMs = clock.wallMs();
    let firedUs = 0;
    clock.after(10, () => {
      firedUs = world.nowUs;
    });
    await world.run(10_000);
    machine.wallAheadMs = -1_000;
    expect([clock.monotonicMs(), clock.wallMs() - bornMs, firedUs]).toEqual([20, -980, 5_000]);
  });

  it('that missed several rounds of a timer gets one', async () => {
    const world = new World(1);
    const process = new SimProcess(world, 'p');
    let count = 0;
    new ProcessClock(process, { wallAheadMs: 0, rate: 1 }).every(10, () => count++);
    world.schedule(15_000, () => process.pause());
    world.schedule(95_000, () => process.resume());
    await world.run(100_000);
    expect(count).toBe(2);
  });
});
