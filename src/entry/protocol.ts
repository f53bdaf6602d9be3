/** ZooKeeper's client protocol as data: numbers, records, frames. */
export { DecodeError, Reader } from '../base/reader.ts';
export { Writer } from '../base/writer.ts';
export { decodeRecord, encodeRecord } from '../protocol/codec.ts';
export {
  AddWatchMode,
  CreateMode,
  Err,
  Event,
  Op,
  Perm,
  WatcherType,
  Xid,
} from '../protocol/constants.ts';
export {
  type Body,
  beginFrame,
  decodeReply,
  decodeRequest,
  encodeRecordFrame,
  encodeReply,
  encodeRequest,
  endFrame,
  type Reply,
  type Request,
} from '../protocol/frames.ts';
export type { MultiOp, MultiResult } from '../protocol/multi.ts';
export type { ACL, Id, RecordName, RecordOf, Stat } from '../protocol/records.ts';
