import { describe, expect, it } from 'vitest';
import { DecodeError } from '../base/reader.ts';
import { Perm } from '../protocol/constants.ts';
import { Acl, type AclEntry, AclTable, decodeStoredAcl } from './acl.ts';
import { type AclClaim, expandAcl, permits, visibleEntries } from './acl-rules.ts';
import { CommandFlag } from './command.ts';
import { Identities } from './identities.ts';
import { Harness } from './testing/harness.ts';

const ALICE = { scheme: 'digest', id: 'alice:hash' };
const IP = { scheme: 'ip', id: '10.1.2.3' };
const alice = new Identities([IP, ALICE]);
const stranger = new Identities([IP]);
const root = new Identities([IP, { scheme: 'super', id: '' }]);

/** TLS and SASL are configured. */
const ALL_ON = CommandFlag.x509Enabled | CommandFlag.saslEnabled;

function expand(claims: AclClaim[], who = alice, flags: number = ALL_ON): AclEntry[] | null {
  return expandAcl(claims, who, flags);
}

function one(scheme: string | null, id: string | null, perms = 31): AclClaim[] {
  return [{ perms, scheme, id }];
}

function acl(scheme: string, id: string, perms: number = Perm.read): Acl {
  return new Acl([{ perms, scheme, id }]);
}

describe('the ACL of a create or setACL', () => {
  it('must not be empty', () => expect(expand([])).toBeNull());

  it('keeps world:anyone with any permissions, unknown bits included', () => {
    expect(expand(one('world', 'anyone', -1))).toEqual(one('world', 'anyone', -1));
    expect(expand(one('world', 'anyone', 0))).toEqual(one('world', 'anyone', 0));
  });

  it.each([
    ['world', 'somebody'],
    [null, 'anyone'],
    ['digest', null],
    ['super', ''],
    ['nobody', 'x'],
    ['digest', 'alice'],
    ['digest', 'alice:'],
    ['digest', 'a:b:c'],
    ['ip', '10.1.2'],
    ['ip', '10.1.2.0/33'],
    ['sasl', 'a@b@c'],
    ['sasl', 'a/b/c@d'],
    ['x509', 'nonsense'],
    ['x509', 'CN='.concat('"open')],
  ])('refuses %s:%s', (scheme, id) => expect(expand(one(scheme, id))).toBeNull());

  it.each([
    ['digest', 'bob:x'],
    ['digest', ':x'],
    ['ip', '10.0.0.0/8'],
    ['ip', 'fe80::/10'],
    ['sasl', 'bob'],
    ['sasl', 'zk/host@REALM'],
    ['x509', 'CN=a b,OU=x+UID=1, O="d, e"'],
    ['x509', 'CN=a\\,b'],
  ])('accepts %s:%s', (scheme, id) => expect(expand(one(scheme, id))).toEqual(one(scheme, id)));

  it.each([
    ['sasl', 'bob'],
    ['x509', 'CN=a'],
  ])('refuses %s:%s where its provider is not configured', (scheme, id) =>
    expect(expand(one(scheme, id), alice, 0)).toBeNull(),
  );

  it('drops exact duplicates and keeps the first', () => {
    const entry = one('world', 'anyone');
    const read = one('world', 'anyone', 1);
    expect(expand([...entry, ...read, ...entry])).toEqual([...entry, ...read]);
  });

  it('puts every authenticated identity in the place of auth, with its permissions', () => {
    const who = new Identities([IP, ALICE, { scheme: 'sasl', id: 'bob' }]);
    expect(expand([...one('auth', 'whatever', 7), ...one('world', 'anyone')], who)).toEqual([
      { perms: 7, ...ALICE },
      { perms: 7, scheme: 'sasl', id: 'bob' },
      { perms: 31, scheme: 'world', id: 'anyone' },
    ]);
  });

  it('refuses auth from somebody who has only an address, or super', () => {
    expect(expand(one('auth', ''), stranger)).toBeNull();
    expect(expand(one('auth', ''), root)).toBeNull();
  });

  it('knows no digest where that scheme is switched off', () => {
    const off = CommandFlag.digestDisabled;
    expect(expand(one('digest', 'a:b'), alice, off)).toBeNull();
    expect(expand(one('auth', ''), alice, off)).toBeNull();
  });
});

describe('access', () => {
  it('is granted by world:anyone for the bits that it has', () => {
    const readable = acl('world', 'anyone', Perm.read);
    expect(permits(readable, Perm.read, stranger, 0)).toBe(true);
    expect(permits(readable, Perm.write, stranger, 0)).toBe(false);
  });

  it('is granted if any one of several bits is there', () => {
    const readable = acl('world', 'anyone', Perm.read);
    expect(permits(readable, Perm.read | Perm.admin, stranger, 0)).toBe(true);
  });

  it.each([
    ['digest', 'alice:hash', true],
    ['digest', 'alice:hasH', false],
    ['digest', 'alice:hash2', false],
    ['ip', '10.1.0.0/16', true],
    ['ip', '10.2.0.0/16', false],
    ['sasl', 'alice:hash', false],
    ['nobody', 'alice:hash', false],
    ['world', 'somebody', false],
  ])('of alice to %s:%s is %s', (scheme, id, granted) => {
    expect(permits(acl(scheme, id), Perm.read, alice, 0)).toBe(granted);
  });

  it('is never granted by a permission that another entry has', () => {
    const entries = [
      { perms: Perm.write, ...ALICE },
      { perms: Perm.read, scheme: 'digest', id: 'bob:x' },
    ];
    expect(permits(new Acl(entries), Perm.read, alice, 0)).toBe(false);
  });

  it('is granted to super, under skipACL, and where there is no entry', () => {
    const closed = acl('digest', 'bob:x');
    expect(permits(closed, Perm.read, root, 0)).toBe(true);
    expect(permits(closed, Perm.read, stranger, CommandFlag.skipACL)).toBe(true);
    expect(permits(new Acl([]), Perm.read, stranger, 0)).toBe(true);
  });

  it('of the sasl user named super passes every sasl entry, and no other', () => {
    const superUser = new Identities([{ scheme: 'sasl', id: 'super' }]);
    expect(permits(acl('sasl', 'bob'), Perm.read, superUser, ALL_ON)).toBe(true);
    expect(permits(acl('digest', 'a:b'), Perm.read, superUser, ALL_ON)).toBe(false);
  });

  it('is denied to an identity without an id, even by an entry without one', () => {
    const nameless = new Identities([{ scheme: 'sasl', id: '' }]);
    expect(permits(acl('sasl', ''), Perm.read, nameless, ALL_ON)).toBe(false);
  });

  it('by digest ends where that scheme is switched off', () => {
    const own = acl('digest', 'alice:hash');
    expect(permits(own, Perm.read, alice, CommandFlag.digestDisabled)).toBe(false);
  });
});

describe('getACL', () => {
  const mixed = new Acl([
    { perms: 31, ...ALICE },
    { perms: 1, scheme: 'ip', id: '10.0.0.0/8' },
  ]);

  it('hides password hashes from those without admin right', () => {
    expect(visibleEntries(mixed, stranger, 0).map((entry) => entry.id)).toEqual([
      'alice:x',
      '10.0.0.0/8',
    ]);
  });

  it('shows everything to those with admin right, to super and under skipACL', () => {
    expect(visibleEntries(mixed, alice, 0)).toBe(mixed.entries);
    expect(visibleEntries(mixed, root, 0)).toBe(mixed.entries);
    expect(visibleEntries(mixed, stranger, CommandFlag.skipACL)).toBe(mixed.entries);
  });
});

describe('the digest of a state', () => {
  it('differs where only an ACL differs, which the tree digest does not see', () => {
    const digests = ['10.0.0.1', '10.0.0.2'].map((id) => {
      const h = new Harness();
      h.open().create('/a', '', 0, [{ perms: 31, scheme: 'ip', id }]);
      return [h.digest, h.state.tree.digestLow];
    });
    expect(digests[0]?.[0]).not.toBe(digests[1]?.[0]);
    expect(digests[0]?.[1]).toBe(digests[1]?.[1]);
  });
});

describe('the table of ACLs', () => {
  it('holds one copy of equal ACLs, until the last znode lets go of it', () => {
    const table = new AclTable();
    const first = table.use(acl('digest', 'a:b'));
    const second = table.use(acl('digest', 'a:b'));
    expect(second).toBe(first);
    expect(table.size).toBe(2);
    table.release(first);
    expect(table.get(first).entries[0]?.id).toBe('a:b');
    table.release(first);
    expect(table.size).toBe(1);
    expect(() => table.get(first)).toThrow('not in the table');
  });

  it('takes an ACL object back after its id was given to another', () => {
    const table = new AclTable();
    const one = acl('digest', 'a:b');
    table.release(table.use(one));
    const id = table.use(acl('digest', 'c:d'));
    const again = table.use(one);
    expect(again).not.toBe(id);
    expect(table.get(again)).toBe(one);
    expect(table.get(id).entries[0]?.id).toBe('c:d');
  });

  it('brings back after a rollback what was released, and forgets what was added', () => {
    const table = new AclTable();
    const kept = table.use(acl('digest', 'a:b'));
    const digest = [table.digest.high, table.digest.low];
    table.begin();
    table.release(kept);
    const added = table.use(acl('digest', 'c:d'));
    expect(added).not.toBe(kept);
    table.use(table.get(added));
    table.rollback();
    expect(table.get(kept).entries[0]?.id).toBe('a:b');
    expect(table.size).toBe(2);
    expect([table.digest.high, table.digest.low]).toEqual(digest);
    table.release(kept);
    expect(table.size).toBe(1);
  });

  it('forgets at commit what lost its last znode', () => {
    const table = new AclTable();
    const id = table.use(acl('digest', 'a:b'));
    table.begin();
    table.release(id);
    table.use(acl('digest', 'a:b'));
    table.release(id);
    table.commit();
    expect(table.size).toBe(1);
    expect(table.bytesUsed).toBe(new AclTable().bytesUsed);
  });

  it('has a digest that depends on how often each ACL is used', () => {
    const [a, b] = [new AclTable(), new AclTable()];
    for (const table of [a, b]) table.use(acl('digest', 'a:b'));
    expect(a.digest).toEqual(b.digest);
    a.use(acl('digest', 'a:b'));
    expect(a.digest).not.toEqual(b.digest);
    const restored = new AclTable();
    for (const use of a.capture()) {
      restored.restore({ ...use, acl: decodeStoredAcl(use.acl.encoded) });
    }
    restored.finishRestore();
    expect(restored.digest).toEqual(a.digest);
    expect(restored.capture()).toEqual(a.capture());
  });

  it('refuses an image that lists an ACL twice, unused, or under a wrong id', () => {
    const own = acl('digest', 'a:b');
    const { open } = new AclTable();
    const lies = [
      [{ acl: own, id: 2, uses: 0 }],
      [{ acl: own, id: 0, uses: 1 }],
      [{ acl: open, id: 2, uses: 1 }],
      [{ acl: acl('digest', 'x:y'), id: 1, uses: 1 }],
      [
        { acl: own, id: 2, uses: 1 },
        { acl: acl('digest', 'a:b'), id: 3, uses: 1 },
      ],
    ];
    for (const uses of lies) {
      const table = new AclTable();
      expect(() => {
        for (const use of uses) table.restore(use);
      }).toThrow(DecodeError);
    }
  });
});
