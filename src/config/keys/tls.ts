import {
  accepted,
  boolean,
  type ConfigKey,
  fileKey,
  int,
  type KeySection,
  list,
  refused,
  secret,
  text,
  type ValueType,
  word,
} from '../key.ts';

interface TlsKey {
  readonly name: string;
  readonly type: ValueType;
  readonly default: string | null;
  readonly help: string;
}

const STORE_TYPES = word('', 'JKS', 'PEM', 'PKCS12', 'BCFKS');

const TLS_KEYS: readonly TlsKey[] = [
  { name: 'keyStore.location', type: text, default: null, help: 'Key store file.' },
  { name: 'keyStore.password', type: secret, default: null, help: 'Password of the key store.' },
  {
    name: 'keyStore.passwordPath',
    type: text,
    default: null,
    help: 'File with the password of the key store.',
  },
  { name: 'keyStore.type', type: STORE_TYPES, default: '', help: 'Format of the key store.' },
  { name: 'trustStore.location', type: text, default: null, help: 'Trust store file.' },
  {
    name: 'trustStore.password',
    type: secret,
    default: null,
    help: 'Password of the trust store.',
  },
  {
    name: 'trustStore.passwordPath',
    type: text,
    default: null,
    help: 'File with the password of the trust store.',
  },
  { name: 'trustStore.type', type: STORE_TYPES, default: '', help: 'Format of the trust store.' },
  { name: 'protocol', type: text, default: null, help: 'TLS version to ask for.' },
  { name: 'enabledProtocols', type: list(null), default: null, help: 'TLS versions allowed.' },
  { name: 'ciphersuites', type: list(null), default: null, help: 'Cipher suites allowed.' },
  {
    name: 'context.supplier.class',
    type: text,
    default: null,
    help: 'Java class that makes TLS contexts.',
  },
  {
    name: 'hostnameVerification',
    type: boolean,
    default: 'true',
    help: 'Certificates must name the host.',
  },
  {
    name: 'clientHostnameVerification',
    type: boolean,
    default: null,
    help: 'Certificates of the connecting side must name its host.',
  },
  {
    name: 'allowReverseDnsLookup',
    type: boolean,
    default: null,
    help: 'Host names may come from reverse look-ups.',
  },
  { name: 'crl', type: boolean, default: 'false', help: 'Checks revocation lists.' },
  { name: 'ocsp', type: boolean, default: 'false', help: 'Asks whether certificates are revoked.' },
  {
    name: 'clientAuth',
    type: word('none', 'want', 'need'),
    default: 'need',
    help: 'Whether the connecting side must show a certificate.',
  },
  {
    name: 'handshakeDetectionTimeoutMillis',
    type: int(1, 'ms'),
    default: '5000',
    help: 'How long to wait for the first bytes that tell TLS from plain.',
  },
  {
    name: 'closeHandshakeTimeoutMillis',
    type: int(0, 'ms'),
    default: null,
    help: 'How long closing may take.',
  },
];

const NO_CLIENT_TLS = 'there is no TLS yet; secureClientPort, which would need it, is refused';
const NO_QUORUM = 'servers do not encrypt between each other yet; sslQuorum is refused';
const NO_QUORUM_TLS =
  'servers do not encrypt between each other yet, and going without would expose what you meant ' +
  'to protect: remove the key and keep the quorum ports inside a network that you trust';

function tlsKeys(prefix: string, side: string, reason: string): ConfigKey[] {
  return TLS_KEYS.map((key) =>
    accepted(`${prefix}.${key.name}`, key.type, key.default, `${side}: ${key.help}`, reason),
  );
}

export const tls: KeySection = {
  title: 'TLS',
  keys: [
    ...tlsKeys('ssl', 'Client port', NO_CLIENT_TLS),
    accepted(
      'ssl.authProvider',
      text,
      'x509',
      'Scheme that turns client certificates into identities.',
      NO_CLIENT_TLS,
    ),
    accepted(
      'client.certReload',
      boolean,
      'false',
      'Reads changed key stores of the client port again.',
      NO_CLIENT_TLS,
    ),
    accepted('fips-mode', boolean, 'true', 'Java TLS by the FIPS rules.', NO_CLIENT_TLS),
    accepted(
      'netty.server.outstandingHandshake.limit',
      int(-1),
      '-1',
      'TLS handshakes under way.',
      NO_CLIENT_TLS,
    ),
    ...tlsKeys('ssl.quorum', 'Between servers', NO_QUORUM),
    refused('sslQuorum', boolean, 'false', 'TLS between servers.', NO_QUORUM_TLS, fileKey),
    accepted(
      'portUnification',
      boolean,
      'false',
      'TLS and plain connections between servers on one port.',
      NO_QUORUM,
      fileKey,
    ),
    accepted(
      'sslQuorumReloadCertFiles',
      boolean,
      'false',
      'Reads changed key stores between servers again.',
      NO_QUORUM,
      fileKey,
    ),
  ],
};
