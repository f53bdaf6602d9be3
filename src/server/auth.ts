import { equalBytes } from '../base/bytes.ts';
import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import type { Secrets } from '../io/secrets.ts';
import type { Identities, Identity } from '../state/identities.ts';

/** In no ACL: no provider of ZooKeeper's has this scheme. */
const LOCAL: Identity = { scheme: 'local', id: 'operator' };

export interface AuthOptions {
  readonly digestEnabled: boolean;
  /** Name of the hash that the digest scheme uses: SHA1 unless configured. */
  readonly digestAlgorithm: string;
  /** `user:base64hash` of the super user; null switches the super user off. */
  readonly superDigest: string | null;
  /** Who names it is on this machine, and may read the data directory; null: nobody can. */
  readonly localToken: string | null;
}

/** Turns the credentials of auth packets into identities. */
export class Authenticator {
  private readonly options: AuthOptions;
  private readonly secrets: Secrets;

  constructor(options: AuthOptions, secrets: Secrets) {
    this.options = options;
    this.secrets = secrets;
  }

  /** The identities after the packet, or null if its credentials are refused. */
  authenticate(
    scheme: string | null,
    credentials: Uint8Array | null,
    identities: Identities,
    remoteAddress: string,
  ): Identities | null {
    if (scheme === 'ip') return identities.with({ scheme: 'ip', id: remoteAddress });
    if (scheme === 'local') return this.isLocal(credentials) ? identities.with(LOCAL) : null;
    if (scheme !== 'digest' || !this.options.digestEnabled || credentials === null) return null;
    const id = this.digestId(utf8Decode(credentials, 0, credentials.length));
    const added = identities.with({ scheme: 'digest', id });
    return this.isSuper(id) ? added.with({ scheme: 'super', id: '' }) : added;
  }

  /** `user:base64(hash("user:password"))`, as ACLs store it. */
  private digestId(credentials: string): string {
    const hash = this.secrets.digest(this.options.digestAlgorithm, utf8Encode(credentials));
    if (hash === null) throw new Error(`no such hash: ${this.options.digestAlgorithm}`);
    const user = credentials.split(':', 1)[0] ?? '';
    return `${user}:${base64(hash)}`;
  }

  private isSuper(id: string): boolean {
    return this.isSecret(utf8Encode(id), this.options.superDigest);
  }

  private isLocal(credentials: Uint8Array | null): boolean {
    return credentials !== null && this.isSecret(credentials, this.options.localToken);
  }

  /** Compared in constant time: the answer's delay must not tell how much of a guess was right. */
  private isSecret(guess: Uint8Array, secret: string | null): boolean {
    if (secret === null) return false;
    const a = this.secrets.sha256(guess);
    const b = this.secrets.sha256(utf8Encode(secret));
    return equalBytes(a, 0, b, 0, a.length);
  }
}

/** What whoAmI shows of an identity: never a hash, nothing of a scheme without a provider. */
export function visibleUser(identity: Identity): string {
  if (identity.scheme === 'digest') return identity.id.split(':', 1)[0] ?? '';
  return identity.scheme === 'super' ? '' : identity.id;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i] as number, bytes[i + 1], bytes[i + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += ALPHABET.charAt(bits >> 18) + ALPHABET.charAt((bits >> 12) & 63);
    text += b === undefined ? '=' : ALPHABET.charAt((bits >> 6) & 63);
    text += c === undefined ? '=' : ALPHABET.charAt(bits & 63);
  }
  return text;
}
