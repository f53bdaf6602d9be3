import { Perm } from '../protocol/constants.ts';
import type { Acl, AclEntry } from './acl.ts';
import { CommandFlag } from './command.ts';
import { isDistinguishedName } from './distinguished-name.ts';
import type { Identities, Identity } from './identities.ts';
import { inCidr, isCidr } from './ip.ts';

/** An entry as a client sent it. */
export interface AclClaim {
  readonly perms: number;
  readonly scheme: string | null;
  readonly id: string | null;
}

/** What a scheme means in an ACL. `world`, `auth` and `super` are not here: they are built in. */
interface Scheme {
  /** Whether `auth` stands for identities of this scheme. */
  readonly authenticated: boolean;
  accepts(id: string): boolean;
  matches(entryId: string, ownId: string): boolean;
}

const KERBEROS_NAME = /^[^/@]*(\/[^/@]*)?@[^/@]*$/;

const schemes: ReadonlyMap<string, Scheme> = new Map([
  ['digest', { authenticated: true, accepts: isDigestId, matches: equalConstantTime }],
  ['ip', { authenticated: false, accepts: isCidr, matches: inCidr }],
  ['x509', { authenticated: true, accepts: isDistinguishedName, matches: equalConstantTime }],
  ['sasl', { authenticated: true, accepts: isSaslId, matches: matchesSasl }],
]);

/** The rules of a scheme, or undefined if there is none such or its provider is switched off. */
function schemeNamed(name: string, flags: number): Scheme | undefined {
  return isOn(name, flags) ? schemes.get(name) : undefined;
}

function isOn(name: string, flags: number): boolean {
  switch (name) {
    case 'digest':
      return (flags & CommandFlag.digestDisabled) === 0;
    case 'x509':
      return (flags & CommandFlag.x509Enabled) !== 0;
    case 'sasl':
      return (flags & CommandFlag.saslEnabled) !== 0;
    default:
      return true;
  }
}

/**
 * Checks the list of a create or setACL and replaces `auth` by who asks (protocol document 10.6).
 * Null: InvalidACL.
 */
export function expandAcl(
  claims: readonly AclClaim[],
  identities: Identities,
  flags: number,
): AclEntry[] | null {
  const entries: AclEntry[] = [];
  const seen = new Set<string>();
  for (const claim of claims) {
    const key = JSON.stringify([claim.perms, claim.scheme, claim.id]);
    if (seen.has(key)) continue;
    seen.add(key);
    const { perms, scheme, id } = claim;
    if (scheme === 'auth') {
      const own = authenticated(identities, flags);
      if (own.length === 0) return null;
      for (const identity of own) entries.push({ perms, ...identity });
    } else if (scheme === null || id === null || !isAcceptable(scheme, id, flags)) {
      return null;
    } else {
      entries.push({ perms, scheme, id });
    }
  }
  return entries.length === 0 ? null : entries;
}

function isAcceptable(scheme: string, id: string, flags: number): boolean {
  if (scheme === 'world') return id === 'anyone';
  return schemeNamed(scheme, flags)?.accepts(id) === true;
}

function authenticated(identities: Identities, flags: number): readonly Identity[] {
  return identities.list.filter((own) => schemeNamed(own.scheme, flags)?.authenticated === true);
}

/** The access check (protocol document 10.7). With several bits in `perm`, any one suffices. */
export function permits(acl: Acl, perm: number, identities: Identities, flags: number): boolean {
  if (permitsAnyone(acl, perm, flags) || identities.isSuper) return true;
  return acl.entries.some(
    (entry) => (entry.perms & perm) !== 0 && matchesAny(entry, identities, flags),
  );
}

/** The part of the check that does not ask who it is: nearly always all of it. */
export function permitsAnyone(acl: Acl, perm: number, flags: number): boolean {
  if ((acl.anyonePerms & perm) !== 0) return true;
  return (flags & CommandFlag.skipACL) !== 0 || acl.entries.length === 0;
}

function matchesAny(entry: AclEntry, identities: Identities, flags: number): boolean {
  const scheme = schemeNamed(entry.scheme, flags);
  if (scheme === undefined) return false;
  return identities.list.some(
    // An identity that lacks a part is nobody: it must not equal an entry that lacks it too.
    (own) => own.scheme === entry.scheme && own.id !== '' && scheme.matches(entry.id, own.id),
  );
}

/** What getACL shows: password hashes only to those who may change the ACL (10.8). */
export function visibleEntries(
  acl: Acl,
  identities: Identities,
  flags: number,
): readonly AclEntry[] {
  if (permits(acl, Perm.admin, identities, flags)) return acl.entries;
  return acl.entries.map((entry) =>
    entry.scheme === 'digest' ? { ...entry, id: `${entry.id.split(':', 1)[0]}:x` } : entry,
  );
}

/** `user:hash`, as Java's split sees it: empty parts at the end do not count, others do. */
function isDigestId(id: string): boolean {
  const parts = id.split(':');
  while (parts.at(-1) === '') parts.pop();
  return parts.length === 2;
}

function isSaslId(id: string): boolean {
  return !id.includes('@') || KERBEROS_NAME.test(id);
}

function matchesSasl(entryId: string, ownId: string): boolean {
  return ownId === 'super' || equalConstantTime(entryId, ownId);
}

/** Takes as long for a near miss as for a far one, so that a digest can't be guessed by time. */
function equalConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
