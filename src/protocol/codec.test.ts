import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError, Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { decodeRecord, encodeRecord } from './codec.ts';
import { decodeReply, decodeRequest, encodeReply, encodeRequest, type Request } from './frames.ts';
import { decodeMultiReply, decodeMultiRequest, encodeMultiRequest, type MultiOp } from './multi.ts';
import { operations } from './operations.ts';
import { type FieldType, type RecordName, type RecordOf, records } from './records.ts';

const FUZZ_COUNT = Number(process.env.QUOLL_FUZZ_COUNT ?? 500);
const names = Object.keys(records) as RecordName[];

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const primitives: Record<string, fc.Arbitrary<unknown>> = {
  int,
  long: fc.maxSafeInteger(),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  boolean: fc.boolean(),
  'boolean?': fc.option(fc.boolean()),
  ustring: fc.option(fc.string({ unit: 'grapheme' })),
  buffer: fc.option(fc.uint8Array({ maxLength: 200 })),
};

function arbitraryField(type: FieldType): fc.Arbitrary<unknown> {
  if (type.startsWith('vector<')) {
    const element = arbitraryField(type.slice(7, -1) as FieldType);
    return fc.option(fc.array(element, { maxLength: 5 }));
  }
  return primitives[type] ?? arbitraryRecord(type as RecordName);
}

function arbitraryRecord<N extends RecordName>(name: N): fc.Arbitrary<RecordOf<N>> {
  const fields = Object.entries(records[name]) as [string, FieldType][];
  const shape = fields.map(([field, type]) => [field, arbitraryField(type)]);
  return fc.record(Object.fromEntries(shape)) as unknown as fc.Arbitrary<RecordOf<N>>;
}

const multiOps = fc.array(
  fc.oneof(
    arbitraryRecord('CreateRequest').map((request) => ({ type: 1, request }) as MultiOp),
    arbitraryRecord('CreateTTLRequest').map((request) => ({ type: 21, request }) as MultiOp),
    arbitraryRecord('CheckVersionRequest').map((request) => ({ type: 13, request }) as MultiOp),
    arbitraryRecord('DeleteRequest').map((request) => ({ type: 2, request }) as MultiOp),
  ),
  { maxLength: 6 },
);

const requests: fc.Arbitrary<Request> = fc
  .constantFrom(...operations)
  .chain(([type, { request }]) => {
    const body =
      request === null
        ? fc.constant(null)
        : request === 'multi'
          ? multiOps
          : arbitraryRecord(request);
    return fc.record({ xid: int, type: fc.constant(type), body }) as fc.Arbitrary<Request>;
  });

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(16);
  write(writer);
  return writer.written().slice();
}

describe('a record', () => {
  it.each(names)('%s survives encoding and decoding', (name) => {
    fc.assert(
      fc.property(arbitraryRecord(name), (value) => {
        const reader = new Reader(written((writer) => encodeRecord(writer, name, value)));
        expect(decodeRecord(reader, name)).toEqual(value);
        expect(reader.remaining).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('has its fields on the wire in the order of the table', () => {
    const bytes = written((writer) =>
      encodeRecord(writer, 'ReplyHeader', { err: -101, zxid: 2 ** 32 + 5, xid: 7 }),
    );
    expect(Buffer.from(bytes).toString('hex')).toBe('000000070000000100000005ffffff9b');
  });

  it('keeps every bit of a session id', () => {
    const ids = [0x8000000000000000n - 2n ** 64n, -1n, 0x01000013139a0000n, 2n ** 63n - 1n];
    for (const sessionId of ids) {
      const value = { protocolVersion: 0, timeOut: 1, sessionId, passwd: null, readOnly: true };
      const bytes = written((writer) => encodeRecord(writer, 'ConnectResponse', value));
      expect(decodeRecord(new Reader(bytes), 'ConnectResponse').sessionId).toBe(sessionId);
    }
  });

  it('refuses a long that a number would round, in both directions', () => {
    const header = { xid: 0, zxid: 2 ** 53, err: 0 };
    expect(() => written((writer) => encodeRecord(writer, 'ReplyHeader', header))).toThrow(
      RangeError,
    );
    const bytes = Buffer.from('00000000002000000000000100000000', 'hex');
    expect(() => decodeRecord(new Reader(bytes), 'ReplyHeader')).toThrow(DecodeError);
  });

  it('ignores bytes behind it', () => {
    const reader = new Reader(Uint8Array.of(0, 0, 0, 1, 0x2f, 1, 9, 9));
    expect(decodeRecord(reader, 'ExistsRequest')).toEqual({ path: '/', watch: true });
    expect(reader.remaining).toBe(2);
  });
});

describe('a vector', () => {
  function childrenOf(hex: string): unknown {
    const reader = new Reader(Buffer.from(hex, 'hex'));
    return decodeRecord(reader, 'GetChildrenResponse').children;
  }

  it('of count -1 is null, of any other count below one empty', () => {
    expect(childrenOf('ffffffff')).toBeNull();
    expect(childrenOf('00000000')).toEqual([]);
    expect(childrenOf('80000000')).toEqual([]);
  });

  it('that claims more elements than there are bytes is refused before it is built', () => {
    expect(() => childrenOf('7fffffff00000000')).toThrow('vector of 2147483647 elements');
  });
});

describe('a multi', () => {
  it('refuses an operation that no multi may hold', () => {
    const bytes = Buffer.from('0000000300ffffffff000000012f00ffffffff01ffffffff', 'hex');
    expect(() => decodeMultiRequest(new Reader(bytes))).toThrow('operation 3 inside a multi');
  });

  it('refuses a result of a type that no reply holds', () => {
    const bytes = Buffer.from('000000630000000000ffffffff01ffffffff', 'hex');
    expect(() => decodeMultiReply(new Reader(bytes))).toThrow('result of type 99');
  });

  it('may be empty', () => {
    const bytes = written((writer) => encodeMultiRequest(writer, []));
    expect(Buffer.from(bytes).toString('hex')).toBe('ffffffff01ffffffff');
    expect(decodeMultiRequest(new Reader(bytes))).toEqual([]);
  });
});

describe('a frame', () => {
  it('survives encoding and decoding, whatever the operation', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const bytes = written((writer) => encodeRequest(writer, request));
        expect(decodeRequest(bytes.subarray(4))).toEqual(request);
      }),
    );
  });

  it('of a reply survives too', () => {
    const replies = fc.constantFrom(...operations).chain(([type, { reply }]) => {
      const body = reply === null || reply === 'multi' ? fc.constant(null) : arbitraryRecord(reply);
      const xid = int.filter((value) => value !== -1);
      return fc.record({ type: fc.constant(type), xid, zxid: fc.maxSafeInteger(), body });
    });
    fc.assert(
      fc.property(replies, ({ type, ...reply }) => {
        if (operations.get(type)?.reply === 'multi') return;
        const bytes = written((writer) => encodeReply(writer, type, { ...reply, err: 0 } as never));
        expect(decodeReply(bytes.subarray(4), type)).toEqual({ ...reply, err: 0 });
      }),
    );
  });

  it('mutated in any way raises nothing but DecodeError', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
    const property = fc.property(requests, edits, fc.nat(), (request, changes, cut) => {
      const bytes = written((writer) => encodeRequest(writer, request)).subarray(4);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const mutated = bytes.subarray(0, bytes.length - (cut % 3 === 0 ? cut % bytes.length : 0));
      expectOnlyDecodeError(() => decodeRequest(mutated));
      for (const type of operations.keys()) expectOnlyDecodeError(() => decodeReply(mutated, type));
    });
    fc.assert(property, { numRuns: FUZZ_COUNT });
  });

  it('of random bytes raises nothing but DecodeError', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      for (const name of names) {
        expectOnlyDecodeError(() => decodeRecord(new Reader(bytes), name));
      }
    });
    fc.assert(property, { numRuns: FUZZ_COUNT });
  });
});

function expectOnlyDecodeError(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}
