/**
 * The client without a way to the network: what `quoll` exports where there is no Node.js. There
 * the caller brings the transport.
 */
export { Client } from '../client/client.ts';
export { parseConnectString } from '../client/connect-string.ts';
export type { SessionState, StateChange } from '../client/core/deliveries.ts';
export type { SaslExchange, SaslMechanism } from '../client/core/sign-in.ts';
export type { WatchEvent, WatchEventType } from '../client/core/watch-table.ts';
export { type As, type Codec, type Decoded, type Encodable, json } from '../client/data.ts';
export type { CallOptions } from '../client/engine.ts';
export {
  AuthFailedError,
  BadArgumentsError,
  BadVersionError,
  ClosedError,
  ConnectionLossError,
  type FailedPart,
  InvalidACLError,
  MarshallingError,
  NewConfigNoQuorumError,
  NoAuthError,
  NoChildrenForEphemeralsError,
  NodeExistsError,
  NoNodeError,
  NotEmptyError,
  NotReadOnlyError,
  NoWatcherError,
  OperationTimeoutError,
  QuotaExceededError,
  ReconfigDisabledError,
  ReconfigInProgressError,
  RuntimeInconsistencyError,
  SessionExpiredError,
  SessionMovedError,
  ThrottledError,
  UnimplementedError,
  ZooKeeperError,
} from '../client/errors.ts';
export type { Multi, MultiCreated, MultiVersion } from '../client/multi.ts';
export type { MultiRead, ReadResult } from '../client/multi-read.ts';
export { type NodeOptions, OPEN_ACL } from '../client/node-options.ts';
export {
  type ClientOptions,
  type Credential,
  connectClient,
  openClient,
  type World,
} from '../client/open.ts';
export type {
  CreateOptions,
  GetDataOptions,
  ReadOptions,
  ReconfigOptions,
  SetDataOptions,
  VersionOptions,
  WatchOptions,
  WatchSelection,
} from '../client/operations.ts';
export type { Quota, QuotaLimits } from '../client/quota.ts';
export type {
  AclEntry,
  CreatedNode,
  Identity,
  NodeAcl,
  NodeChildren,
  NodeData,
} from '../client/reply.ts';
export { type DigestMd5Options, digestMd5 } from '../client/sasl.ts';
export type { CreateRecursiveOptions } from '../client/tree.ts';
export { Watch, type Watcher, WatchQueue } from '../client/watch.ts';
export type { Clock } from '../io/clock.ts';
export type { CallRecord, Diagnostics, StateRecord } from '../io/diagnostics.ts';
export type { Network, Peer, Stream, StreamHandler } from '../io/network.ts';
export { Perm } from '../protocol/constants.ts';
export type { Stat } from '../protocol/records.ts';
