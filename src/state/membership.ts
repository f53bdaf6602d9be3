import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import type { QuorumSpec } from '../paxos/quorum.ts';
import {
  isVoter,
  type NamedServer,
  printEnsemble,
  SERVER_ID_MAX,
} from '../protocol/ensemble-text.ts';
import { parseServerLine, printServerLine } from '../protocol/server-line.ts';

/** Bytes of a replica's identity and of a cluster's id. */
export const ID_BYTES = 16;

/** A server of the ensemble. Another identity under the same id is another replica (rule 22). */
export interface Member extends NamedServer {
  readonly identity: Uint8Array;
}

/** Who belongs to the ensemble and who of them decides. Never changed in place. */
export interface Membership {
  /** Counts configurations from 1, as the consensus counts them. */
  readonly number: number;
  /** The zxid of the command that made it; 0: as the configuration files had it. */
  readonly version: number;
  /** By id. */
  readonly members: readonly Member[];
  readonly hierarchical: boolean;
  /** Sizes of quorums; 0: a majority. */
  readonly electionSize: number;
  readonly writeSize: number;
}

/**
 * ```
 * membership := number:f64 version:f64 electionSize:i32 writeSize:i32 hierarchical:u8 count:i32
 *               (id:i32 weight:i32 group:i32 identity:16 line:ustring)*
 * ```
 */
export function encodeMembership(writer: Writer, membership: Membership): void {
  writer.f64(membership.number);
  writer.f64(membership.version);
  writer.i32(membership.electionSize);
  writer.i32(membership.writeSize);
  writer.bool(membership.hierarchical);
  writer.i32(membership.members.length);
  for (const member of membership.members) {
    writer.i32(member.id);
    writer.i32(member.weight);
    writer.i32(member.group);
    writer.raw(member.identity);
    writer.ustring(printServerLine(member));
  }
}

export function decodeMembership(reader: Reader): Membership {
  const number = reader.f64();
  const version = reader.f64();
  const electionSize = reader.i32();
  const writeSize = reader.i32();
  const hierarchical = reader.bool();
  const count = reader.i32();
  if (count < 1 || count > SERVER_ID_MAX) throw new DecodeError(`${count} members`);
  const members: Member[] = [];
  for (let i = 0; i < count; i++) members.push(decodeMember(reader));
  return { number, version, members, hierarchical, electionSize, writeSize };
}

function decodeMember(reader: Reader): Member {
  const id = reader.i32();
  const weight = reader.i32();
  const group = reader.i32();
  const identity = decodeId(reader);
  const line = parseServerLine(reader.ustring() ?? '');
  if (typeof line === 'string') throw new DecodeError(`member ${id}: ${line}`);
  return { id, weight, group, identity, ...line };
}

export function decodeId(reader: Reader): Uint8Array {
  const from = reader.at;
  reader.skip(ID_BYTES);
  return reader.bytes.slice(from, from + ID_BYTES);
}

/** The data of /zookeeper/config. */
export function membershipText({ members, hierarchical, version }: Membership): string {
  return printEnsemble({ servers: members, hierarchical }, version);
}

/** Observers have no part in quorums. */
export function membershipToQuorumSpec(membership: Membership): QuorumSpec {
  const { members, electionSize, writeSize, hierarchical } = membership;
  const voters = members.filter(isVoter).map(({ id, weight, group }) => ({ id, weight, group }));
  return { voters, electionSize, writeSize, hierarchical };
}
