import fc from 'fast-check';
import { utf8Encode } from '../../base/utf8.ts';
import { Op } from '../../protocol/constants.ts';
import { CommandKind } from '../command.ts';
import { Identities, type Identity } from '../identities.ts';
import {
  agesBody,
  type Entry,
  encodeCommand,
  encodeWrite,
  genesisBody,
  openEpochBody,
  openingBody,
  rejectBody,
} from './commands.ts';
import type { Model } from './model.ts';
import type { PlainCommand, PlainWrite } from './model-parts.ts';

/**
 * Random commands over few paths, sessions and versions, so that they meet: most are sound, some
 * repeat, skip, come from an older attachment, or break a rule.
 */

const PATHS = [
  '/a',
  '/a/b',
  '/a/b/c',
  '/a/d',
  '/e',
  '/e/é',
  '/zookeeper/quota/a',
  '/zookeeper/quota/a/b',
  '/zookeeper/quota/a/zookeeper_limits',
  '/zookeeper/quota/a/zookeeper_stats',
  '/zookeeper/quota/a/b/zookeeper_limits',
  '/zookeeper/quota/a/b/zookeeper_stats',
];
const ODD_PATHS = [
  '/',
  '',
  'a',
  'x/a',
  '/a/',
  '//',
  '/a//b',
  '/a/.',
  '/a/..',
  '/a/...',
  '/a/\0',
  '/a/\u0001',
  '/a/\u009f',
  '/a/\ue000',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
  '/zookeeper/quota/zookeeper_stats',
];
const DATA = [
  null,
  '',
  'x',
  'some twenty bytes....',
  'count=3,bytes=30=;byteHardLimit=30;countHardLimit=3',
  'count=1,bytes=-1=;byteHardLimit=-1;countHardLimit=2',
  'bytes=abc,count=',
];

const ALICE: Identity = { scheme: 'digest', id: 'alice:hash' };
const IDENTITIES: readonly (readonly Identity[])[] = [
  [],
  [{ scheme: 'ip', id: '10.1.2.3' }],
  [{ scheme: 'ip', id: '10.9.9.9' }, ALICE],
  [ALICE, { scheme: 'sasl', id: 'bob' }],
  [{ scheme: 'super', id: '' }],
];

const entry: fc.Arbitrary<Entry> = fc.record({
  perms: fc.constantFrom(31, 31, 1, 2, 4, 8, 16, 15, 0),
  scheme: fc.constantFrom('world', 'world', 'digest', 'ip', 'sasl', 'auth', 'nobody', null),
  id: fc.constantFrom('anyone', 'anyone', 'alice:hash', '10.1.0.0/16', '10.1.2.3', 'bob', '', null),
});

const goodEntry: fc.Arbitrary<Entry> = fc.constantFrom<Entry>(
  { perms: 31, scheme: 'world', id: 'anyone' },
  { perms: 1, scheme: 'world', id: 'anyone' },
  { perms: 31, scheme: 'digest', id: 'alice:hash' },
  { perms: 15, scheme: 'ip', id: '10.1.0.0/16' },
  { perms: 31, scheme: 'auth', id: '' },
  { perms: 30, scheme: 'sasl', id: 'bob' },
);

const acl = fc.oneof(
  { weight: 12, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: fc.array(goodEntry, { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(entry, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant(null) },
);

const path = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom('/a', '/a/b', '/a/b/c', '/e') },
  { weight: 12, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 2, arbitrary: fc.constantFrom(...ODD_PATHS) },
);
const version = fc.constantFrom(-1, -1, -1, -1, -1, -1, 0, 1, 2, 2 ** 31 - 1, -(2 ** 31));
const flags = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, -1);

const create = fc
  .record({
    opcode: fc.constantFrom(Op.create, Op.create, Op.create2, Op.createContainer, Op.createTTL),
    path,
    data: fc.constantFrom(...DATA),
    acl,
    flags,
    ttl: fc.constantFrom(-1, 0, 1, 50, 0xff_ffff_ffff, 2 ** 40),
  })
  // Well-behaved clients pair opcode and flags; the odd pairs come from the rest.
  .chain((write) =>
    fc.constantFrom(
      write,
      write.opcode === Op.createTTL ? { ...write, flags: 5, ttl: 50 } : write,
      write.opcode === Op.createContainer ? { ...write, flags: 4 } : { ...write, flags: 0 },
      { ...write, opcode: Op.create2, flags: Math.abs(write.flags) % 4 },
    ),
  )
  .map(
    ({ acl: asked, ...rest }): PlainWrite => (asked === undefined ? rest : { ...rest, acl: asked }),
  );

const remove = fc.record({ opcode: fc.constant(Op.delete), path, version });
const setData = fc.record({
  opcode: fc.constant(Op.setData),
  path,
  data: fc.constantFrom(...DATA),
  version,
});
const setACL = fc
  .record({ opcode: fc.constant(Op.setACL), path, acl, version })
  .map(
    ({ acl: asked, ...rest }): PlainWrite => (asked === undefined ? rest : { ...rest, acl: asked }),
  );
const check = fc.record({ opcode: fc.constant(Op.check), path, version });

const multi = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: create },
      { weight: 2, arbitrary: remove },
      { weight: 3, arbitrary: setData },
      { weight: 2, arbitrary: check },
      { weight: 1, arbitrary: fc.constant<PlainWrite>({ opcode: Op.setACL, path: '/a' }) },
    ),
    { maxLength: 5 },
  )
  .chain((ops: readonly PlainWrite[]) => {
    const sound = ops.filter((op) => op.opcode !== Op.setACL);
    const tame = sound.map((op) => (op.flags === 7 || op.flags === -1 ? { ...op, flags: 0 } : op));
    return fc.constantFrom(tame, tame, tame, ops);
  })
  .map((ops): PlainWrite => ({ opcode: Op.multi, ops }));

const write: fc.Arbitrary<PlainWrite> = fc.oneof(
  { weight: 24, arbitrary: create },
  { weight: 9, arbitrary: remove },
  { weight: 12, arbitrary: setData },
  { weight: 6, arbitrary: setACL },
  { weight: 12, arbitrary: multi },
  { weight: 1, arbitrary: fc.constant<PlainWrite>({ opcode: Op.closeSession }) },
  { weight: 1, arbitrary: fc.constant<PlainWrite>({ opcode: Op.reconfig }) },
);

/** A command whose generation and sequence are still to be found. */
export interface Intent {
  readonly kind: number;
  readonly session: number;
  readonly flags: number;
  readonly waitMs: number;
  readonly identities: readonly Identity[];
  readonly write: PlainWrite;
  readonly path: string;
  /** Added to the sequence that is due: 0 is sound, -1 repeats, 1 leaves a gap. */
  readonly skew: number;
  /** Added to the session's generation. */
  readonly age: number;
  readonly goodPassword: boolean;
  readonly quarters: number;
}

const kind = fc.oneof(
  { weight: 80, arbitrary: fc.constant(CommandKind.write) },
  { weight: 6, arbitrary: fc.constant(CommandKind.openSession) },
  { weight: 3, arbitrary: fc.constant(CommandKind.attachSession) },
  { weight: 1, arbitrary: fc.constant(CommandKind.expireSession) },
  { weight: 6, arbitrary: fc.constant(CommandKind.reapNode) },
  { weight: 1, arbitrary: fc.constant(CommandKind.reject) },
  { weight: 1, arbitrary: fc.constant(CommandKind.genesis) },
  { weight: 1, arbitrary: fc.constant(CommandKind.openEpoch) },
  { weight: 1, arbitrary: fc.constant(CommandKind.mark) },
  { weight: 2, arbitrary: fc.constant(CommandKind.sessionAges) },
);

function mostlyZero(...odd: readonly number[]): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 30, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
}

export const intent: fc.Arbitrary<Intent> = fc.record({
  kind,
  session: fc.constantFrom(1, 1, 1, 2, 3),
  flags: fc.constantFrom(0, 2, 3, 3 | 64, 3 | 64, 3, 3, 3, 3 | 4, 3 | 8, 16),
  waitMs: fc.constantFrom(0, 1, 30, 100, -50),
  identities: fc.constantFrom(...IDENTITIES),
  write,
  path,
  skew: mostlyZero(-1, 1),
  age: mostlyZero(-1),
  goodPassword: fc.constantFrom(true, true, true, false),
  quarters: fc.integer({ min: 0, max: 3 }),
});

const HIGH = 0x0200_0000;

/** Completes an intent with what the sessions of the model say is due. */
export function commandOf(intended: Intent, model: Model): PlainCommand {
  const { kind: ofKind, session, flags: ofFlags, identities, path: ofPath } = intended;
  const known = model.sessions.get(`${HIGH}:${-session}`);
  const password = { timeoutMs: 4_000, hash: intended.goodPassword ? `h${session}` : 'no' };
  return {
    kind: ofKind,
    flags: ofFlags,
    opcode: intended.write.opcode,
    high: HIGH,
    low: -session,
    generation: (known?.generation ?? 1) + intended.age,
    sequence: (known?.sequence ?? 0) + 1 + intended.skew,
    timeMs: model.timeMs + intended.waitMs,
    identities,
    write: intended.write,
    opening: password,
    path: ofPath,
    code: -127,
    age: intended.quarters,
    opensEpoch: intended.quarters > 0,
  };
}

export function encodePlain(command: PlainCommand): Uint8Array {
  const {
    identities,
    opening,
    write: plain,
    path: reaped,
    code,
    age,
    opensEpoch,
    ...header
  } = command;
  const body = (): Uint8Array => {
    switch (command.kind) {
      case CommandKind.write:
        return encodeWrite(plain ?? { opcode: Op.closeSession });
      case CommandKind.openSession:
      case CommandKind.attachSession:
        return openingBody(opening?.timeoutMs ?? 0, utf8Encode(opening?.hash ?? ''));
      case CommandKind.reapNode: {
        const bytes = utf8Encode(reaped ?? '');
        return Uint8Array.of(0, 0, 0, bytes.length, ...bytes);
      }
      case CommandKind.reject:
        return rejectBody(code ?? 0);
      case CommandKind.genesis:
        return genesisBody();
      case CommandKind.openEpoch:
        return openEpochBody(opensEpoch === true);
      case CommandKind.sessionAges:
        return agesBody([[command.high, command.low, command.generation, age ?? 0]]);
      default:
        return new Uint8Array(0);
    }
  };
  return encodeCommand({ ...header, identities: new Identities(identities), body: body() });
}
