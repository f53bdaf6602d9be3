import { md5 } from '../base/md5.ts';
import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import type { SaslExchange, SaslMechanism } from './core/sign-in.ts';

export interface DigestMd5Options {
  readonly user: string;
  readonly password: string;
  /** What ZooKeeper's servers call themselves. Default: `zookeeper/zk-sasl-md5`. */
  readonly digestUri?: string;
}

const DIGEST_URI = 'zookeeper/zk-sasl-md5';
const NONCE_BYTES = 16;

/**
 * SASL's DIGEST-MD5 (RFC 2831) with quality `auth`, as ZooKeeper's servers with a JAAS section
 * `Server` take it. The server proves that it knows the password too; the traffic itself is neither
 * signed nor hidden, so use TLS where that matters.
 */
export function digestMd5(options: DigestMd5Options): SaslMechanism {
  return () => new DigestMd5(options, randomHex());
}

export class DigestMd5 implements SaslExchange {
  private readonly user: string;
  private readonly password: string;
  private readonly digestUri: string;
  private readonly cnonce: string;
  private expected: string | null = null;

  constructor({ user, password, digestUri = DIGEST_URI }: DigestMd5Options, cnonce: string) {
    this.user = user;
    this.password = password;
    this.digestUri = digestUri;
    this.cnonce = cnonce;
  }

  /** The server speaks first, once it has been asked to. */
  start(): Uint8Array {
    return new Uint8Array(0);
  }

  step(challenge: Uint8Array): Uint8Array | 'proved' | 'refused' {
    const fields = parseDirectives(utf8Decode(challenge, 0, challenge.length));
    if (this.expected === null) return utf8Encode(this.response(fields));
    return fields.get('rspauth') === this.expected ? 'proved' : 'refused';
  }

  private response(fields: ReadonlyMap<string, string>): string {
    const { user, cnonce, digestUri } = this;
    const realm = fields.get('realm') ?? '';
    const nonce = fields.get('nonce') ?? '';
    const response = this.proof(realm, nonce, 'AUTHENTICATE:');
    this.expected = this.proof(realm, nonce, ':');
    return [
      'charset=utf-8',
      `username=${quoted(user)}`,
      `realm=${quoted(realm)}`,
      `nonce=${quoted(nonce)}`,
      'nc=00000001',
      `cnonce=${quoted(cnonce)}`,
      `digest-uri=${quoted(digestUri)}`,
      'maxbuf=65536',
      `response=${response}`,
      'qop=auth',
      `authzid=${quoted(user)}`,
    ].join(',');
  }

  /** `response` of the client and `rspauth` of the server differ in how A2 begins. */
  private proof(realm: string, nonce: string, a2: string): string {
    const secret = md5(utf8Encode(`${this.user}:${realm}:${this.password}`));
    const rest = utf8Encode(`:${nonce}:${this.cnonce}:${this.user}`);
    const a1 = new Uint8Array(secret.length + rest.length);
    a1.set(secret);
    a1.set(rest, secret.length);
    const ha2 = hex(md5(utf8Encode(a2 + this.digestUri)));
    const text = `${hex(md5(a1))}:${nonce}:00000001:${this.cnonce}:auth:${ha2}`;
    return hex(md5(utf8Encode(text)));
  }
}

/** `key=value` or `key="value"`, with commas between and backslashes in quoted values. */
export function parseDirectives(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const match of text.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,\s]*))/g)) {
    const value = match[2] === undefined ? match[3] : match[2].replace(/\\(.)/g, '$1');
    fields.set((match[1] as string).toLowerCase(), value ?? '');
  }
  return fields;
}

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function randomHex(): string {
  return hex(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}
