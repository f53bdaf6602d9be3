import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { Op } from '../protocol/constants.ts';
import { encodeWrite, type Write } from './testing/commands.ts';
import { wellFormedWrite } from './write-request.ts';

const WRITES: readonly Write[] = [
  { opcode: Op.create, path: '/a', data: 'x' },
  { opcode: Op.create2, path: '/a', data: null, acl: null },
  { opcode: Op.createContainer, path: '/a', flags: 4 },
  { opcode: Op.createTTL, path: '/a', flags: 5, ttl: 9 },
  { opcode: Op.delete, path: '/a' },
  { opcode: Op.setData, path: '/a', data: 'x' },
  { opcode: Op.setACL, path: '/a' },
  { opcode: Op.reconfig },
  { opcode: Op.multi, ops: [{ opcode: Op.delete, path: '/a' }] },
];

function isWellFormed(opcode: number, body: Uint8Array): boolean {
  const reader = new Reader(body);
  const formed = wellFormedWrite(opcode, reader);
  expect(reader.at).toBe(0);
  return formed;
}

describe('the check at the edge', () => {
  it.each(WRITES)('accepts $opcode whole, with bytes behind it, and never cut short', (write) => {
    const body = encodeWrite(write);
    expect(isWellFormed(write.opcode, body)).toBe(true);
    expect(isWellFormed(write.opcode, Uint8Array.of(...body, 1, 2, 3))).toBe(true);
    for (let length = 0; length < body.length; length++) {
      expect(isWellFormed(write.opcode, body.subarray(0, length)), `${length}`).toBe(false);
    }
  });

  it('refuses a null path', () => {
    for (const { opcode } of WRITES.slice(0, 7)) {
      expect(isWellFormed(opcode, encodeWrite({ opcode, path: null }))).toBe(false);
    }
  });

  it('refuses what is no write, or only one inside a multi', () => {
    const body = encodeWrite({ opcode: Op.delete, path: '/a' });
    for (const opcode of [Op.check, Op.getData, Op.deleteContainer, Op.sync, 0, 99, -1]) {
      expect(isWellFormed(opcode, body)).toBe(false);
    }
    expect(isWellFormed(Op.closeSession, new Uint8Array(0))).toBe(true);
  });

  it('survives any bytes', () => {
    const opcodes = fc.constantFrom(...WRITES.map((write) => write.opcode));
    fc.assert(
      fc.property(opcodes, fc.uint8Array({ maxLength: 80 }), (opcode, body) => {
        isWellFormed(opcode, body);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not believe a count of ACL entries that the bytes can’t hold', () => {
    const body = encodeWrite({ opcode: Op.setACL, path: '/a', acl: [] });
    new DataView(body.buffer).setInt32(6, 0x7fff_ffff);
    expect(isWellFormed(Op.setACL, body)).toBe(false);
  });
});
