import { describe, expect, it } from 'vitest';
import { type Hello, Purpose } from './hello.ts';
import { Strangers } from './strangers.ts';

const [lost, first, second] = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

function hello(identity: Uint8Array): Hello {
  const purpose = Purpose.founding;
  return { purpose, clusterId: null, serverId: 1, identity, toServerId: 2, line: '' };
}

describe('strangers', () => {
  it('are known by the id that they bear, the latest of them', () => {
    const strangers = new Strangers();
    expect(strangers.identityOf(1, lost)).toBeUndefined();
    strangers.note(hello(first));
    expect(strangers.identityOf(1, lost)).toBe(first);
    expect(strangers.identityOf(1, null)).toBe(first);
    strangers.note(hello(second));
    expect(strangers.identityOf(1, lost)).toBe(second);
  });

  it('are none any more once they are members: the next replica has yet to show up', () => {
    const strangers = new Strangers();
    strangers.note(hello(first));
    expect(strangers.identityOf(1, first)).toBeUndefined();
    strangers.note(hello(second));
    expect(strangers.identityOf(1, first)).toBe(second);
  });
});
