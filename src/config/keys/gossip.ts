import { boolean, fileKey, honoured, type KeySection, list, port, text } from '../key.ts';

export const gossip: KeySection = {
  title: 'Gossip',
  keys: [
    honoured(
      'gossip.join',
      list(null),
      '',
      'Makes this server an observer that no server line names, of the ensemble that it finds at ' +
        'one of these addresses: `host[:port]` of members, the first port of their server lines ' +
        '(2888). It needs an empty data directory at first, and remembers the addresses. On the ' +
        'command line: `--join`.',
      fileKey,
    ),
    honoured(
      'gossip.enabled',
      boolean,
      'true',
      'Servers of an ensemble tell each other who is there (quoll members), by UDP and TCP on the ' +
        'second port of their lines. `false`: this one takes no part. Nothing else depends on it.',
      fileKey,
    ),
    honoured(
      'gossip.keyFile',
      text,
      null,
      'File with keys of 32 bytes in base64, one a line (openssl rand -base64 32). The first one ' +
        'seals what this server says, all of them open what it hears. It is read again when it ' +
        'changes and on SIGHUP. Whoever holds a key is trusted with the data.',
      fileKey,
    ),
    honoured(
      'gossip.port',
      port,
      '0',
      'Port for gossip of a server that no server line names. 0: a free one with gossip.join; ' +
        'alone it takes no part then.',
      fileKey,
    ),
    honoured(
      'gossip.address',
      text,
      null,
      'Name or address by which others reach the gossip.port of such a server. It listens there; ' +
        'with quorumListenOnAllIPs=true on all addresses.',
      {
        ...fileKey,
        defaultNote: 'clientPortAddress; with gossip.join the address that it has towards members',
      },
    ),
    honoured(
      'gossip.insecure',
      boolean,
      'false',
      '`true` lets a server that no server line names take part without a key beyond this machine: ' +
        'then everyone who reaches the port can read the data, and make some up.',
      fileKey,
    ),
  ],
};
