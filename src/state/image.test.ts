import { describe, expect, it } from 'vitest';
import { DecodeError } from '../base/reader.ts';
import { Op } from '../protocol/constants.ts';
import { StateLoader } from './loader.ts';
import type { State } from './state.ts';
import { dumpState } from './testing/dump.ts';
import { type Client, copyByImage, Harness } from './testing/harness.ts';

const SEED = [3, 4] as const;
const NODES = 3_000;

function fill(h: Harness): Client[] {
  const clients = [h.open(), h.open(), h.open()];
  const [c] = clients as [Client];
  c.create('/n');
  for (let i = 0; i < NODES; i++) {
    const acl = [{ perms: 31, scheme: 'ip', id: `10.0.0.${i % 7}` }];
    const data = 'x'.repeat(i % 300);
    const owner = clients[i % clients.length] as Client;
    owner.create(`/n/${i}`, data, i % 5 === 0 ? 1 : 0, i % 3 === 0 ? acl : undefined);
  }
  return clients;
}

/** One change of some kind, so that every part of the state changes under an image. */
function disturb(h: Harness, clients: Client[], i: number): void {
  const c = clients[i % clients.length] as Client;
  h.flags = 4;
  c.setData(`/n/${(i * 37) % NODES}`, 'y'.repeat((i * 13) % 900));
  c.delete(`/n/${(i * 53) % NODES}`);
  c.create(`/n/new${i}`, 'z', i % 2);
  c.setACL(`/n/${(i * 71) % NODES}`, [{ perms: 31, scheme: 'digest', id: `u:${i % 11}` }]);
  c.multi({ opcode: Op.create, path: `/n/m${i}` }, { opcode: Op.delete, path: '/none' });
  if (i % 40 === 5) c.attach();
  if (i === 77) clients.push(h.open());
  if (i === 99) (clients.shift() as Client).close();
}

function slicesOf(state: State): Uint8Array[] {
  const image = state.beginImage();
  const slices: Uint8Array[] = [];
  for (let slice = image.next(4_096); slice !== null; slice = image.next(4_096)) {
    slices.push(slice.slice());
  }
  return slices;
}

function load(slices: readonly Uint8Array[]): State {
  const loader = new StateLoader({ seed: SEED });
  for (const slice of slices) loader.accept(slice);
  return loader.finish();
}

describe('an image of many slices', () => {
  it('holds the moment at which it began, whatever happens while it is written', () => {
    const h = new Harness();
    const clients = fill(h);
    const expected = dumpState(h.state);
    const { digest } = h;
    const image = h.state.beginImage();
    const slices: Uint8Array[] = [];
    for (let i = 0; ; i++) {
      disturb(h, clients, i);
      const slice = image.next(4_096);
      if (slice === null) break;
      slices.push(slice.slice());
    }
    expect(slices.length).toBeGreaterThan(100);
    const loaded = load(slices);
    expect(dumpState(loaded)).toEqual(expected);
    expect(new Harness(loaded).digest).toBe(digest);
  });

  it('may be abandoned, and the next one is exact again', () => {
    const h = new Harness();
    const clients = fill(h);
    const abandoned = h.state.beginImage();
    for (let i = 0; i < 10; i++) {
      abandoned.next(4_096);
      disturb(h, clients, i);
    }
    abandoned.end();
    expect(abandoned.next(4_096)).toBeNull();
    disturb(h, clients, 77);
    expect(dumpState(load(slicesOf(h.state)))).toEqual(dumpState(h.state));
  });

  it('of an image of an image is the same', () => {
    const h = new Harness();
    fill(h);
    const twice = copyByImage(copyByImage(h.state));
    expect(dumpState(twice)).toEqual(dumpState(h.state));
  });

  it('can’t be begun while another is written', () => {
    const { state } = new Harness();
    state.beginImage();
    expect(() => state.beginImage()).toThrow('at the same time');
  });
});

describe('a loader', () => {
  it('refuses an image that lacks a slice, or has two in the wrong order', () => {
    const h = new Harness();
    fill(h);
    const slices = slicesOf(h.state);
    expect(() => load([])).toThrow(DecodeError);
    for (let i = 0; i < 4; i++) {
      const without = slices.toSpliced(i, 1);
      expect(() => load(without), `without ${i}`).toThrow(DecodeError);
      const swapped = slices.toSpliced(i, 2, slices[i + 1] as Uint8Array, slices[i] as Uint8Array);
      expect(() => load(swapped), `swapped ${i}`).toThrow(DecodeError);
    }
    expect(() => load(slices.slice(0, -1))).toThrow(DecodeError);
  });

  it('refuses a head of another format, or with impossible numbers', () => {
    const [head, ...rest] = slicesOf(new Harness().state) as [Uint8Array, ...Uint8Array[]];
    for (const at of [0, 7, 8, 16, 24, 40, 44]) {
      const wrong = head.slice();
      wrong[at] = 0xff;
      expect(() => load([wrong, ...rest]), `byte ${at}`).toThrow(DecodeError);
    }
  });
});
