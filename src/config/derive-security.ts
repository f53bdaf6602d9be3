import { type Derivation, report } from './derivation.ts';
import type { ServerConfig } from './server-config.ts';

type Security = Pick<
  ServerConfig,
  'skipACL' | 'superDigest' | 'digestAlg' | 'digestEnabled' | 'enforceAuthSchemes'
>;

const SUPER_DIGEST = 'DigestAuthenticationProvider.superDigest';
const ENFORCE = 'enforce.auth.enabled';
const SCHEMES = 'enforce.auth.schemes';

export function deriveSecurity(d: Derivation): Security {
  const settings = d.settings;
  const skipACL = settings.text('skipACL') === 'yes';
  if (skipACL) report(d, 'warning', 'skipACL', 'every ACL check is off');
  const digestEnabled = settings.boolean('DigestAuthenticationProvider.enabled');
  return {
    skipACL,
    superDigest: superDigest(d, digestEnabled),
    digestAlg: settings.text('DigestAuthenticationProvider.digestAlg') ?? 'SHA1',
    digestEnabled,
    enforceAuthSchemes: enforcedSchemes(d, digestEnabled),
  };
}

function superDigest(d: Derivation, digestEnabled: boolean): string | undefined {
  const digest = d.settings.text(SUPER_DIGEST);
  if (digest === undefined) return undefined;
  if (!/^[^:]+:[A-Za-z0-9+/]+={0,2}$/.test(digest)) {
    report(d, 'error', SUPER_DIGEST, 'must be super:<hash in base64>, not a password in clear');
  }
  if (!digestEnabled) {
    report(d, 'warning', SUPER_DIGEST, 'nobody becomes super while the digest scheme is off');
  }
  return digest;
}

/**
 * A scheme that no connection can own an identity of would lock everybody out, and a list without
 * any scheme would let everybody in.
 */
function enforcedSchemes(d: Derivation, digestEnabled: boolean): readonly string[] {
  const schemes = d.settings.words(SCHEMES);
  if (!d.settings.boolean(ENFORCE)) {
    if (schemes.length > 0) report(d, 'warning', SCHEMES, `has no effect without ${ENFORCE}=true`);
    return [];
  }
  const offered = digestEnabled ? ['digest', 'ip'] : ['ip'];
  if (schemes.length === 0) {
    report(d, 'error', ENFORCE, `needs ${SCHEMES}: name some of ${offered.join(', ')}`);
  }
  for (const scheme of schemes) {
    if (offered.includes(scheme)) continue;
    const why =
      scheme === 'sasl' || scheme === 'x509'
        ? 'comes in a later release'
        : 'is not a scheme that clients can use here';
    report(d, 'error', SCHEMES, `${scheme} ${why}; there are ${offered.join(', ')}`);
  }
  return schemes;
}
