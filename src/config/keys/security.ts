import {
  accepted,
  boolean,
  type ConfigKey,
  honoured,
  type KeySection,
  list,
  loud,
  refused,
  secret,
  text,
  word,
  yesNo,
} from '../key.ts';

const NO_SASL =
  'Quoll has no SASL yet, so no client could sign in: remove the key, use the digest scheme, ' +
  'or wait for the release that has it';
const NO_TLS_IDENTITY = 'without TLS and SASL nobody can own such an identity';
const NO_SASL_NAMES = 'there are no Kerberos names without SASL';
/** Java's names of the hashes that Node.js has too. */
const DIGEST_ALGORITHMS = [
  'SHA1',
  'SHA-1',
  'SHA-224',
  'SHA-256',
  'SHA-384',
  'SHA-512',
  'SHA3-224',
  'SHA3-256',
  'SHA3-384',
  'SHA3-512',
  'MD5',
];
const BUILT_IN = [
  'org.apache.zookeeper.server.auth.DigestAuthenticationProvider',
  'org.apache.zookeeper.server.auth.IPAuthenticationProvider',
];

export const security: KeySection = {
  title: 'Authentication, ACLs and audit',
  keys: [
    honoured(
      'skipACL',
      yesNo,
      'no',
      '`yes` switches every ACL check off: whoever can connect may do everything.',
    ),
    accepted(
      'enableEagerACLCheck',
      boolean,
      'false',
      'Checks ACLs of writes on arrival too.',
      'the check that decides, when the write is carried out, is the same',
    ),
    honoured(
      'DigestAuthenticationProvider.enabled',
      boolean,
      'true',
      'Whether the digest scheme exists.',
    ),
    honoured(
      'DigestAuthenticationProvider.superDigest',
      secret,
      null,
      '`super:<hash>`: whoever knows the password passes every ACL check.',
    ),
    honoured(
      'DigestAuthenticationProvider.digestAlg',
      word(...DIGEST_ALGORITHMS),
      'SHA1',
      'Hash of the digest scheme; clients, ACLs and superDigest must agree on it.',
    ),
    honoured(
      'enforce.auth.enabled',
      boolean,
      'false',
      'Closes connections that own no identity of enforce.auth.schemes.',
    ),
    honoured(
      'enforce.auth.schemes',
      list(null),
      '',
      'The schemes that are good enough: digest, ip.',
    ),
    refused(
      'sessionRequireClientSASLAuth',
      boolean,
      'false',
      'Serves only clients that signed in by SASL.',
      NO_SASL,
    ),
    accepted(
      'allowSaslFailedClients',
      boolean,
      'false',
      'Clients whose SASL sign-in failed may go on without.',
      'without SASL no sign-in can fail: clients that try one go on unauthenticated in any case',
    ),
    refused(
      'authProvider.<n>',
      text,
      null,
      'Java class of one more authentication scheme.',
      'Quoll runs no Java classes; it has the schemes digest, ip, world and auth built in. SASL ' +
        'and x509 come in a later release: remove the key, or keep ZooKeeper until then',
      { harmless: BUILT_IN },
    ),
    accepted(
      'IPAuthenticationProvider.usexforwardedfor',
      boolean,
      'false',
      'Believes X-Forwarded-For of requests to the AdminServer.',
      'there is no AdminServer yet, and the client port knows no such header',
    ),
    accepted(
      'X509AuthenticationProvider.superUser',
      text,
      null,
      'Subject of the certificate that passes every ACL check.',
      NO_TLS_IDENTITY,
      loud,
    ),
    accepted(
      'superUser',
      text,
      null,
      'SASL name that passes every ACL check.',
      NO_TLS_IDENTITY,
      loud,
    ),
    accepted(
      'superUser.<x>',
      text,
      null,
      'One more SASL name that passes every ACL check.',
      NO_TLS_IDENTITY,
      loud,
    ),
    accepted(
      'letAnySaslUserDoX',
      text,
      null,
      'SASL ACLs with this id let in every SASL user.',
      NO_TLS_IDENTITY,
      loud,
    ),
    accepted(
      'ensembleAuthName',
      text,
      null,
      'Names that clients may ask for by the scheme ensemble.',
      'the scheme ensemble does not exist, so clients that ask for it are turned away',
      loud,
    ),
    ...kerberos(),
    refused(
      'audit.enable',
      boolean,
      'false',
      'Writes a line of audit log for each write.',
      'Quoll writes no audit log yet, and whoever relies on one must know: remove the key, or set ' +
        'it to false',
    ),
    accepted(
      'audit.impl.class',
      text,
      null,
      'Java class that writes the audit log.',
      'Quoll runs no Java classes',
    ),
  ],
};

function kerberos(): ConfigKey[] {
  return ['removeHostFromPrincipal', 'removeRealmFromPrincipal'].map((name) =>
    accepted(
      `kerberos.${name}`,
      boolean,
      'false',
      'How Kerberos names become SASL names.',
      NO_SASL_NAMES,
    ),
  );
}
