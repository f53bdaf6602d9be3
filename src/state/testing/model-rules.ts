import type { Identity } from '../identities.ts';
import type { Entry } from './commands.ts';

/**
 * The rules that need no state, written a second time from the protocol document: slow, on plain
 * strings, and without a look at the code that they are compared with.
 */

export function modelPathIsValid(path: string): boolean {
  if (path.length === 0 || path[0] !== '/') return false;
  if (path === '/') return true;
  if (path.endsWith('/')) return false;
  const names = path.slice(1).split('/');
  if (names.some((name) => name === '' || name === '.' || name === '..')) return false;
  for (let i = 1; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    const control = unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f);
    const privateUse = unit >= 0xd800 && unit <= 0xf8ff;
    if (control || privateUse || unit >= 0xfff0) return false;
  }
  return true;
}

/** C's `%010d`. */
export function modelSuffix(counter: number): string {
  const sign = counter < 0 ? '-' : '';
  return sign + String(Math.abs(counter)).padStart(10 - sign.length, '0');
}

const PROVIDERS = ['digest', 'ip', 'x509', 'sasl'] as const;

/** The providers that are on; `flags` as CommandFlag has them. */
function providers(flags: number): string[] {
  const on = {
    digest: (flags & 8) === 0,
    ip: true,
    x509: (flags & 32) !== 0,
    sasl: (flags & 64) !== 0,
  };
  return PROVIDERS.filter((scheme) => on[scheme]);
}

/** 10.6; null is InvalidACL. */
export function modelExpandAcl(
  acl: readonly Entry[] | null,
  identities: readonly Identity[],
  flags: number,
): Entry[] | null {
  if (acl === null || acl.length === 0) return null;
  const unique = acl.filter(
    (entry, i) => acl.findIndex((other) => isSameEntry(entry, other)) === i,
  );
  const expanded: Entry[] = [];
  for (const { perms, scheme, id } of unique) {
    const known = providers(flags);
    if (scheme === 'world' && id === 'anyone') expanded.push({ perms, scheme, id });
    else if (scheme === 'auth') {
      const own = identities.filter((i) => i.scheme !== 'ip' && known.includes(i.scheme));
      if (own.length === 0) return null;
      expanded.push(...own.map((i) => ({ perms, scheme: i.scheme, id: i.id })));
    } else {
      if (scheme === null || id === null || !known.includes(scheme)) return null;
      if (!modelIdIsValid(scheme, id)) return null;
      expanded.push({ perms, scheme, id });
    }
  }
  return expanded;
}

function isSameEntry(a: Entry, b: Entry): boolean {
  return a.perms === b.perms && a.scheme === b.scheme && a.id === b.id;
}

function modelIdIsValid(scheme: string, id: string): boolean {
  if (scheme === 'digest') return /^[^:]*:[^:]+:*$/.test(id);
  if (scheme === 'sasl') return !id.includes('@') || /^[^/@]*(\/[^/@]*)?@[^/@]*$/.test(id);
  if (scheme === 'x509') return /^[A-Za-z]+=/.test(id);
  const [address, bits, ...more] = id.split('/');
  if (more.length > 0 || v4(address ?? '') === null) return false;
  return bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= 32);
}

/** The model knows v4 only; v6 has tests of its own. */
function v4(address: string): number | null {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return null;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export interface Asker {
  readonly identities: readonly Identity[];
  readonly skipACL: boolean;
  readonly flags: number;
}

/** 10.7. */
export function modelPermits(acl: readonly Entry[], mask: number, asker: Asker): boolean {
  if (asker.skipACL || acl.length === 0) return true;
  if (asker.identities.some((identity) => identity.scheme === 'super')) return true;
  const known = providers(asker.flags);
  return acl.some((entry) => {
    if ((entry.perms & mask) === 0) return false;
    if (entry.scheme === 'world' && entry.id === 'anyone') return true;
    return asker.identities.some(
      (own) => own.scheme === entry.scheme && known.includes(own.scheme) && matches(entry, own.id),
    );
  });
}

function matches(entry: Entry, own: string): boolean {
  if (entry.scheme === 'sasl' && own === 'super') return true;
  if (entry.scheme !== 'ip') return entry.id === own;
  const [block, bits = '32'] = String(entry.id).split('/');
  const a = v4(block ?? '');
  const b = v4(own);
  if (a === null || b === null) return false;
  const rest = 2 ** (32 - Number(bits));
  return Math.floor(a / rest) === Math.floor(b / rest);
}

export interface ModelTrack {
  readonly count: number;
  readonly bytes: number;
  readonly countHardLimit: number;
  readonly byteHardLimit: number;
}

/** 8.2: split on runs of `,` or `;`, then on `=`; what is missing is -1. */
export function modelParseTrack(text: string): ModelTrack {
  const fields = new Map<string, number>();
  for (const part of text.split(/[,;]+/)) {
    const [key = '', value = ''] = part.split('=');
    fields.set(key, /^[+-]?\d+$/.test(value) ? Number(value) : -1);
  }
  const field = (key: string): number => fields.get(key) ?? -1;
  return {
    count: field('count'),
    bytes: field('bytes'),
    countHardLimit: field('countHardLimit'),
    byteHardLimit: field('byteHardLimit'),
  };
}
