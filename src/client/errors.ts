import { Err } from '../protocol/constants.ts';
import { ERR_CLOSING } from './core/session.ts';

/** What a failed operation of a multi was, beside the error itself. */
export interface FailedPart {
  /** Which operation of the multi failed, from 0. */
  readonly index: number;
  /** The codes of all of them: 0 before the one that failed, -2 behind it. */
  readonly codes: readonly number[];
}

export interface ErrorDetails {
  readonly code: number;
  readonly operation: string;
  readonly path: string | null;
  readonly isOutcomeUnknown?: boolean;
  readonly note?: string;
  readonly failedPart?: FailedPart;
}

/** Any error that ZooKeeper has a code for. What else is thrown is a mistake in the call. */
export class ZooKeeperError extends Error {
  /** ZooKeeper's number, such as -101. */
  readonly code: number;
  /** The request, such as `getData`. */
  readonly operation: string;
  /** As the caller named it; null: the request has none. */
  readonly path: string | null;
  /** True: nobody knows whether it was carried out. False: it was not. */
  readonly isOutcomeUnknown: boolean;
  /** Of a multi that failed. */
  readonly failedPart: FailedPart | null;

  constructor(details: ErrorDetails) {
    super(messageOf(details));
    this.name = `${nameOf(details.code)}Error`;
    this.code = details.code;
    this.operation = details.operation;
    this.path = details.path;
    this.isOutcomeUnknown = details.isOutcomeUnknown ?? false;
    this.failedPart = details.failedPart ?? null;
  }
}

function messageOf({ code, operation, path, isOutcomeUnknown, note }: ErrorDetails): string {
  const what = path === null ? operation : `${operation} ${path}`;
  const doubt = isOutcomeUnknown === true ? '; it may have been carried out' : '';
  return `${nameOf(code)}: ${what}${doubt}${note === undefined ? '' : `; ${note}`}`;
}

/** The znode is not there. */
export class NoNodeError extends ZooKeeperError {}
/** There is a znode with this path already. */
export class NodeExistsError extends ZooKeeperError {}
/** The znode has another version than the one that was named. */
export class BadVersionError extends ZooKeeperError {}
/** The znode has children. */
export class NotEmptyError extends ZooKeeperError {}
/** None of the client's identities may do this. */
export class NoAuthError extends ZooKeeperError {}
/** The server does not accept the credentials. */
export class AuthFailedError extends ZooKeeperError {}
/** An ACL is empty, or names a scheme or an id that the server does not know. */
export class InvalidACLError extends ZooKeeperError {}
/** Ephemeral znodes can't have children. */
export class NoChildrenForEphemeralsError extends ZooKeeperError {}
/** The path or another argument is not valid. */
export class BadArgumentsError extends ZooKeeperError {}
/** The server could not read the request, or its reply was longer than `maxFrameBytes`. */
export class MarshallingError extends ZooKeeperError {}
/** The server does not know the operation, or it is switched off there. */
export class UnimplementedError extends ZooKeeperError {}
/** The connection broke before the answer. See `isOutcomeUnknown`. */
export class ConnectionLossError extends ZooKeeperError {}
/** The deadline of the call passed before its answer. See `isOutcomeUnknown`. */
export class OperationTimeoutError extends ZooKeeperError {}
/** The session has ended: its ephemerals are gone or about to go. */
export class SessionExpiredError extends ZooKeeperError {}
/** The session was at another server by then. It was not carried out. */
export class SessionMovedError extends ZooKeeperError {}
/** The client is closed. */
export class ClosedError extends ZooKeeperError {}
/** The server is read-only at the moment. */
export class NotReadOnlyError extends ZooKeeperError {}
/** There is no such watch. */
export class NoWatcherError extends ZooKeeperError {}
/** A hard limit of a quota would be exceeded. */
export class QuotaExceededError extends ZooKeeperError {}
/** The server is too busy. It was not carried out. */
export class ThrottledError extends ZooKeeperError {}
/** Another operation of the same multi failed. */
export class RuntimeInconsistencyError extends ZooKeeperError {}
/** No quorum of the new configuration is connected and in sync. */
export class NewConfigNoQuorumError extends ZooKeeperError {}
/** Another change of the configuration is not finished. */
export class ReconfigInProgressError extends ZooKeeperError {}
/** `reconfigEnabled` is off. */
export class ReconfigDisabledError extends ZooKeeperError {}

type ErrorClass = new (details: ErrorDetails) => ZooKeeperError;

const CLASSES: ReadonlyMap<number, readonly [string, ErrorClass]> = new Map<
  number,
  readonly [string, ErrorClass]
>([
  [Err.noNode, ['NoNode', NoNodeError]],
  [Err.nodeExists, ['NodeExists', NodeExistsError]],
  [Err.badVersion, ['BadVersion', BadVersionError]],
  [Err.notEmpty, ['NotEmpty', NotEmptyError]],
  [Err.noAuth, ['NoAuth', NoAuthError]],
  [Err.authFailed, ['AuthFailed', AuthFailedError]],
  [Err.sessionClosedRequireSaslAuth, ['AuthFailed', AuthFailedError]],
  [Err.invalidACL, ['InvalidACL', InvalidACLError]],
  [Err.noChildrenForEphemerals, ['NoChildrenForEphemerals', NoChildrenForEphemeralsError]],
  [Err.badArguments, ['BadArguments', BadArgumentsError]],
  [Err.marshallingError, ['Marshalling', MarshallingError]],
  [Err.unimplemented, ['Unimplemented', UnimplementedError]],
  [Err.connectionLoss, ['ConnectionLoss', ConnectionLossError]],
  [Err.operationTimeout, ['OperationTimeout', OperationTimeoutError]],
  [Err.sessionExpired, ['SessionExpired', SessionExpiredError]],
  [Err.sessionMoved, ['SessionMoved', SessionMovedError]],
  [ERR_CLOSING, ['Closed', ClosedError]],
  [Err.notReadOnly, ['NotReadOnly', NotReadOnlyError]],
  [Err.noWatcher, ['NoWatcher', NoWatcherError]],
  [Err.quotaExceeded, ['QuotaExceeded', QuotaExceededError]],
  [Err.throttledOp, ['Throttled', ThrottledError]],
  [Err.runtimeInconsistency, ['RuntimeInconsistency', RuntimeInconsistencyError]],
  [Err.newConfigNoQuorum, ['NewConfigNoQuorum', NewConfigNoQuorumError]],
  [Err.reconfigInProgress, ['ReconfigInProgress', ReconfigInProgressError]],
  [Err.reconfigDisabled, ['ReconfigDisabled', ReconfigDisabledError]],
]);

function nameOf(code: number): string {
  return CLASSES.get(code)?.[0] ?? 'ZooKeeper';
}

/** The error of the class that its code has. */
export function errorOf(details: ErrorDetails): ZooKeeperError {
  const found = CLASSES.get(details.code);
  if (found !== undefined) return new found[1](details);
  return new ZooKeeperError({ ...details, note: `code ${details.code}` });
}
