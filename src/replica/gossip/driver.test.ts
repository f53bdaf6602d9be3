import { describe, expect, it } from 'vitest';
import { anchorOf, logOf, type Machine, Machines } from './driver.test-helper.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const LOG = logOf(40);

function everyoneKnows(machines: readonly Machine[]): boolean {
  return machines.every((one) =>
    machines.every((other) => one.statusOf(other).startsWith('alive ')),
  );
}

describe('drivers', () => {
  it.each([
    ['without a key', []],
    ['with one', [key(1)]],
  ])('find each other %s, and nobody drops anything', async (_, keys) => {
    const machines = new Machines();
    const all = await machines.addMany(5, { keys });
    expect(await machines.until(() => everyoneKnows(all))).toBeLessThan(3_000);
    expect(all.map(({ dropped }) => dropped)).toEqual([{}, {}, {}, {}, {}]);
  });

  it('notice who dies, and that it is back under a higher incarnation', async () => {
    const machines = new Machines();
    const [a, b, c] = (await machines.addMany(3)) as [Machine, Machine, Machine];
    await machines.until(() => everyoneKnows([a, b, c]));
    b.kill();
    const [suspectedMs, deadMs] = [
      await machines.until(() => a.statusOf(b) === 'suspect 1' || c.statusOf(b) === 'suspect 1'),
      await machines.until(() => a.statusOf(b) === 'dead 1' && c.statusOf(b) === 'dead 1'),
    ];
    expect(suspectedMs).toBeLessThan(5_000);
    expect(deadMs).toBeLessThan(20_000);
    await machines.start(b);
    await machines.until(() => everyoneKnows([a, b, c]));
    expect(a.statusOf(b)).toBe('alive 2');
  });

  it('say goodbye within a second', async () => {
    const machines = new Machines();
    const [a, b, c] = (await machines.addMany(3)) as [Machine, Machine, Machine];
    await machines.until(() => everyoneKnows([a, b, c]));
    let hasLeft = false;
    void b.driver.leave().then(() => {
      hasLeft = true;
    });
    expect(await machines.until(() => hasLeft)).toBeLessThanOrEqual(1_050);
    await machines.run(500);
    expect([a.statusOf(b), c.statusOf(b)]).toEqual(['left 1', 'left 1']);
    // Its ports are free again.
    await machines.start(b);
    await machines.until(() => everyoneKnows([a, b, c]));
  });

  it('leave at once when there is nobody to tell', async () => {
    const machines = new Machines();
    const alone = await machines.add();
    await machines.run(1_000);
    let hasLeft = false;
    void alone.driver.leave().then(() => {
      hasLeft = true;
    });
    // No tick has to pass.
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasLeft).toBe(true);
  });

  it('accuse nobody after they stood still themselves', async () => {
    const machines = new Machines();
    const [a, b, c] = (await machines.addMany(3)) as [Machine, Machine, Machine];
    await machines.until(() => everyoneKnows([a, b, c]));
    for (let pause = 0; pause < 10; pause++) {
      a.process.pause();
      await machines.run(1_200);
      a.process.resume();
      await machines.run(300);
    }
    const accusations = a.changes.filter(({ kind }) => kind === 'suspected' || kind === 'died');
    expect(accusations).toEqual([]);
    await machines.until(() => everyoneKnows([a, b, c]));
  });

  it('go on without UDP', async () => {
    const machines = new Machines();
    const packets = machines.network;
    packets.duplication = 0;
    const [a, b, c] = (await machines.addMany(3)) as [Machine, Machine, Machine];
    await machines.until(() => everyoneKnows([a, b, c]));
    for (const { host } of [a, b, c]) host.sockets.clear();
    await machines.run(30_000);
    expect(everyoneKnows([a, b, c])).toBe(true);
    b.kill();
    await machines.until(() => a.statusOf(b) === 'dead 1' || a.statusOf(b).startsWith('dead'));
  });
});

describe('a free port', () => {
  it('is one that is free for packets and for streams', async () => {
    const machines = new Machines();
    const machine = await machines.add({ port: 0 });
    const { driver, host } = machine;
    expect(driver.port).toBeGreaterThan(0);
    expect([...host.ports.keys(), ...host.sockets.keys()]).toEqual([driver.port, driver.port]);
    await driver.stop();
    // The next one is taken, for streams only.
    host.ports.set(host.nextPort, { process: machine.process, accept: () => null });
    const taken = host.nextPort;
    await machine.start();
    expect(machine.driver.port).toBe(taken + 1);
    expect([...host.sockets.keys()]).toEqual([taken + 1]);
  });
});

describe('keys', () => {
  it('rotate while everybody talks', async () => {
    const machines = new Machines();
    const all = await machines.addMany(3, { keys: [key(1)] });
    await machines.until(() => everyoneKnows(all));
    for (const keys of [[key(1), key(2)], [key(2), key(1)], [key(2)]]) {
      for (const { driver } of all) {
        driver.setKeys(keys);
        await machines.run(2_000);
      }
    }
    await machines.run(20_000);
    expect(everyoneKnows(all)).toBe(true);
    expect(all.map(({ dropped }) => dropped)).toEqual([{}, {}, {}]);
  });

  it.each([
    ['no key', {}, 'noKey'],
    ['another key', { keys: [key(9)] }, 'wrongKey'],
    ['another cluster', { keys: [key(1)], cluster: 2 }, 'otherCluster'],
  ])(
    'keep strangers out that have %s, and remember nothing of them',
    async (_, options, reason) => {
      const machines = new Machines();
      const [a, b] = (await machines.addMany(2, { keys: [key(1)] })) as [Machine, Machine];
      const stranger = await machines.add(options);
      await machines.run(5_000);
      expect([a.statusOf(b), b.statusOf(a)]).toEqual(['alive 1', 'alive 1']);
      expect([a, b].map((one) => one.statusOf(stranger))).toEqual(['unknown', 'unknown']);
      expect(stranger.driver.members()).toHaveLength(1);
      expect(Object.keys({ ...a.dropped, ...b.dropped })).toEqual([reason]);
      for (const { driver } of [a, b]) expect(driver.frames?.sendersKnown).toBeLessThanOrEqual(1);
    },
  );
});

describe('an incarnation', () => {
  it('is durable before anybody hears of it', async () => {
    const machines = new Machines();
    const [a, b] = (await machines.addMany(2)) as [Machine, Machine];
    await machines.until(() => everyoneKnows([a, b]));
    b.saveMs = 300;
    b.process.pause();
    await machines.until(() => a.statusOf(b) === 'suspect 1');
    b.process.resume();
    const highest = { told: 1 };
    await machines.until(() => {
      const [, incarnation] = a.statusOf(b).split(' ');
      highest.told = Math.max(highest.told, Number(incarnation));
      expect(highest.told).toBeLessThanOrEqual(b.incarnation);
      return a.statusOf(b).startsWith('alive') && highest.told > 1;
    });
  });

  it('that a restored disk has forgotten is raised above the one that others remember', async () => {
    const machines = new Machines();
    const [a, b] = (await machines.addMany(2, { keys: [key(1)] })) as [Machine, Machine];
    for (let start = 0; start < 3; start++) {
      await machines.until(() => a.statusOf(b) === `alive ${start + 1}`);
      await machines.run(3_000);
      b.kill();
      await machines.start(b);
    }
    await machines.until(() => a.statusOf(b) === 'alive 4');
    await machines.run(3_000);
    b.kill();
    b.incarnation = 0;
    await machines.start(b);
    await machines.until(() => a.statusOf(b) === 'alive 5');
    expect(b.incarnation).toBe(5);
    // Its packets are no old ones any more.
    const before = a.dropped.replayed ?? 0;
    await machines.run(10_000);
    expect((a.dropped.replayed ?? 0) - before).toBe(0);
    expect([a.statusOf(b), b.statusOf(a)]).toEqual(['alive 5', 'alive 1']);
  });

  it('that can not be kept ends the driver, not the process', async () => {
    const machines = new Machines();
    const [a, b] = (await machines.addMany(2)) as [Machine, Machine];
    await machines.until(() => everyoneKnows([a, b]));
    Object.assign(b, { incarnation: 1 });
    const options = Reflect.get(b.driver, 'options');
    options.incarnations.save = () => Promise.reject(new Error('EIO'));
    b.process.pause();
    await machines.until(() => a.statusOf(b) === 'suspect 1');
    b.process.resume();
    await machines.until(() => b.failures.length > 0);
    expect(b.failures.map(String)).toEqual(['Error: EIO']);
    expect(b.driver.members()).toEqual([]);
  });
});

describe('the log', () => {
  const announce = (machine: Machine, from: number, to: number): void => {
    for (const entry of LOG.slice(from - 1, to)) machine.driver.announce(entry);
  };

  it('is not kept by voters while nobody reads it', async () => {
    const machines = new Machines();
    const [a] = (await machines.addMany(3)) as [Machine];
    announce(a, 1, 20);
    await machines.run(2_000);
    expect(a.driver.gossip?.anchor.slot).toBe(0);
  });

  it('comes to those that read, whole and in order, from whatever slot they are at', async () => {
    const machines = new Machines();
    const voters = await machines.addMany(3, { keys: [key(1)] });
    await machines.run(2_000);
    for (const voter of voters) announce(voter, 1, 10);
    const reader = await machines.add({
      ...{ role: 'observer', keys: [key(1)] },
      anchor: anchorOf(LOG, 10),
    });
    await machines.until(() => everyoneKnows(machines.all));
    for (let slot = 11; slot <= 40; slot++) {
      for (const voter of voters) announce(voter, slot, slot);
      await machines.run(20);
    }
    await machines.until(() => reader.delivered.length === 30);
    expect(reader.delivered.map(({ slot, body, hash }) => [slot, [...body], [...hash]])).toEqual(
      LOG.slice(10).map(({ slot, body, hash }) => [slot, [...body], [...hash]]),
    );
    expect(reader.afters[0]).toBe(10);
    expect(voters.every(({ delivered }) => delivered.length === 0)).toBe(true);
  });

  it('that begins too late for somebody is fetched from who has it', async () => {
    const machines = new Machines();
    const voters = await machines.addMany(3);
    await machines.run(2_000);
    for (const voter of voters) announce(voter, 1, 10);
    const reader = await machines.add({ role: 'observer', anchor: anchorOf(LOG, 4) });
    await machines.until(() => reader.fetches.length > 0);
    expect(voters.map(({ id }) => id)).toContain(reader.fetches[0]);
    reader.driver.reset(anchorOf(LOG, 10));
    for (const voter of voters) announce(voter, 11, 12);
    await machines.until(() => reader.delivered.length === 2);
    expect(reader.delivered.map(({ slot }) => slot)).toEqual([11, 12]);
  });

  it('is not asked for where it came by another way', async () => {
    const machines = new Machines();
    const voters = await machines.addMany(3);
    const reader = await machines.add({ role: 'observer' });
    await machines.until(() => everyoneKnows(machines.all));
    announce(reader, 1, 5);
    for (const voter of voters) announce(voter, 1, 6);
    await machines.until(() => reader.delivered.length > 0);
    expect(reader.delivered.map(({ slot }) => slot)).toEqual([6]);
    expect(reader.afters).toEqual([5]);
  });

  it('that was made up ends the driver of who took it, once the decided one is there', async () => {
    const machines = new Machines();
    const [liar] = (await machines.addMany(3)) as [Machine];
    const reader = await machines.add({ role: 'observer' });
    await machines.until(() => everyoneKnows(machines.all));
    const [wrong] = logOf(1);
    if (wrong === undefined) throw new Error('no entry');
    const other = logOf(2)[1];
    if (other === undefined) throw new Error('no entry');
    announce(liar, 1, 1);
    await machines.until(() => reader.delivered.length === 1);
    reader.driver.announce({ ...wrong, hash: other.hash });
    await machines.run(100);
    expect(reader.failures.map(String)).toEqual([
      'Error: the log that gossip has delivered is not the decided one',
    ]);
    expect(liar.failures).toEqual([]);
  });
});
