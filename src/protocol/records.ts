/**
 * The records of ZooKeeper's client protocol as data: this table is the only place that says which
 * fields a record has, in which order they travel, and of which type they are.
 *
 * `long` is a number: zxids, times and TTLs are exact in it (an epoch stays below 2^21), and what
 * is not exact is refused rather than rounded. `bigint` is for the 64-bit values that use every
 * bit, session ids and ephemeral owners. They are opaque: all that anyone does with one is compare
 * it, use it as a key, or print it in hex, and a bigint does each without a helper, where a pair of
 * halves has no equality of its own. It costs an allocation, which the server's hot path, with its
 * two int32 halves, does not pay because it does not use this codec.
 *
 * A trailing `boolean?` may be missing on the wire; it is null then.
 */
export const records = {
  Id: { scheme: 'ustring', id: 'ustring' },
  ACL: { perms: 'int', id: 'Id' },
  Stat: {
    czxid: 'long',
    mzxid: 'long',
    ctime: 'long',
    mtime: 'long',
    version: 'int',
    cversion: 'int',
    aversion: 'int',
    ephemeralOwner: 'bigint',
    dataLength: 'int',
    numChildren: 'int',
    pzxid: 'long',
  },
  ClientInfo: { authScheme: 'ustring', user: 'ustring' },

  ConnectRequest: {
    protocolVersion: 'int',
    lastZxidSeen: 'long',
    timeOut: 'int',
    sessionId: 'bigint',
    passwd: 'buffer',
    readOnly: 'boolean?',
  },
  ConnectResponse: {
    protocolVersion: 'int',
    timeOut: 'int',
    sessionId: 'bigint',
    passwd: 'buffer',
    readOnly: 'boolean?',
  },
  RequestHeader: { xid: 'int', type: 'int' },
  ReplyHeader: { xid: 'int', zxid: 'long', err: 'int' },
  MultiHeader: { type: 'int', done: 'boolean', err: 'int' },
  AuthPacket: { type: 'int', scheme: 'ustring', auth: 'buffer' },
  WatcherEvent: { type: 'int', state: 'int', path: 'ustring' },
  ErrorResponse: { err: 'int' },

  CreateRequest: { path: 'ustring', data: 'buffer', acl: 'vector<ACL>', flags: 'int' },
  CreateTTLRequest: {
    path: 'ustring',
    data: 'buffer',
    acl: 'vector<ACL>',
    flags: 'int',
    ttl: 'long',
  },
  CreateResponse: { path: 'ustring' },
  Create2Response: { path: 'ustring', stat: 'Stat' },
  DeleteRequest: { path: 'ustring', version: 'int' },
  DeleteContainerRequest: { path: 'ustring' },
  ExistsRequest: { path: 'ustring', watch: 'boolean' },
  ExistsResponse: { stat: 'Stat' },
  GetDataRequest: { path: 'ustring', watch: 'boolean' },
  GetDataResponse: { data: 'buffer', stat: 'Stat' },
  SetDataRequest: { path: 'ustring', data: 'buffer', version: 'int' },
  SetDataResponse: { stat: 'Stat' },
  GetACLRequest: { path: 'ustring' },
  GetACLResponse: { acl: 'vector<ACL>', stat: 'Stat' },
  SetACLRequest: { path: 'ustring', acl: 'vector<ACL>', version: 'int' },
  SetACLResponse: { stat: 'Stat' },
  GetChildrenRequest: { path: 'ustring', watch: 'boolean' },
  GetChildrenResponse: { children: 'vector<ustring>' },
  GetChildren2Request: { path: 'ustring', watch: 'boolean' },
  GetChildren2Response: { children: 'vector<ustring>', stat: 'Stat' },
  GetAllChildrenNumberRequest: { path: 'ustring' },
  GetAllChildrenNumberResponse: { totalNumber: 'int' },
  GetEphemeralsRequest: { prefixPath: 'ustring' },
  GetEphemeralsResponse: { ephemerals: 'vector<ustring>' },
  SyncRequest: { path: 'ustring' },
  SyncResponse: { path: 'ustring' },
  CheckVersionRequest: { path: 'ustring', version: 'int' },
  CheckWatchesRequest: { path: 'ustring', type: 'int' },
  RemoveWatchesRequest: { path: 'ustring', type: 'int' },
  AddWatchRequest: { path: 'ustring', mode: 'int' },
  SetWatches: {
    relativeZxid: 'long',
    dataWatches: 'vector<ustring>',
    existWatches: 'vector<ustring>',
    childWatches: 'vector<ustring>',
  },
  SetWatches2: {
    relativeZxid: 'long',
    dataWatches: 'vector<ustring>',
    existWatches: 'vector<ustring>',
    childWatches: 'vector<ustring>',
    persistentWatches: 'vector<ustring>',
    persistentRecursiveWatches: 'vector<ustring>',
  },
  ReconfigRequest: {
    joiningServers: 'ustring',
    leavingServers: 'ustring',
    newMembers: 'ustring',
    curConfigId: 'long',
  },
  WhoAmIResponse: { clientInfo: 'vector<ClientInfo>' },
  GetSASLRequest: { token: 'buffer' },
  SetSASLResponse: { token: 'buffer' },
} as const;

type Records = typeof records;
export type RecordName = keyof Records;

export interface Primitives {
  int: number;
  long: number;
  bigint: bigint;
  boolean: boolean;
  'boolean?': boolean | null;
  ustring: string | null;
  buffer: Uint8Array | null;
}
export type Primitive = keyof Primitives;
export type FieldType = Primitive | RecordName | `vector<${Primitive | RecordName}>`;

type ValueOf<T> = T extends Primitive
  ? Primitives[T]
  : T extends RecordName
    ? RecordOf<T>
    : T extends `vector<${infer Element}>`
      ? readonly ValueOf<Element>[] | null
      : never;

/** The plain object that stands for a record. */
export type RecordOf<N extends RecordName> = {
  readonly [F in keyof Records[N]]: ValueOf<Records[N][F]>;
};

export type Id = RecordOf<'Id'>;
export type ACL = RecordOf<'ACL'>;
export type Stat = RecordOf<'Stat'>;
