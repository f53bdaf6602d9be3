import { assert } from '../base/assert.ts';
import { viewOf } from '../base/bytes.ts';
import { DecodeError, Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import { type Entry, EntryKind } from './entry.ts';
import { type QuorumSpec, Quorums, type Voter } from './quorum.ts';

/** Who votes, and who only follows. Configurations succeed each other through stop-signs. */
export interface Configuration {
  /** Counts configurations from 1. */
  readonly id: number;
  readonly quorums: QuorumSpec;
  /** Members that get every entry and never vote. */
  readonly observers: readonly number[];
}

/** More servers than one id byte can name. */
const MEMBERS_MAX = 256;

export function isVoter(configuration: Configuration, id: number): boolean {
  return configuration.quorums.voters.some((voter) => voter.id === id);
}

/** Voters and observers but for `self`. */
export function peersOf(configuration: Configuration, self: number): number[] {
  const { quorums, observers } = configuration;
  return [...quorums.voters.map(({ id }) => id), ...observers].filter((id) => id !== self);
}

/** Cuts behind each stop-sign: what follows one was accepted in another configuration. */
export function segmentsOf(entries: readonly Entry[]): Entry[][] {
  const segments: Entry[][] = [];
  let isOpen = false;
  for (const entry of entries) {
    if (isOpen) segments[segments.length - 1]?.push(entry);
    else segments.push([entry]);
    isOpen = entry.kind !== EntryKind.configuration;
  }
  return segments;
}

/** A wrong configuration must never be proposed: whoever made it has to have checked (rule 9). */
export function quorumsOf(configuration: Configuration): Quorums {
  const quorums = new Quorums(configuration.quorums);
  const problem = quorums.check();
  assert(problem === null, `configuration ${configuration.id}: ${problem}`);
  return quorums;
}

/**
 * ```
 * configuration := id:f64 electionSize:i32 writeSize:i32 hierarchical:bool
 *                  voters:i32 (id:i32 weight:i32 group:i32)* observers:i32 (id:i32)*
 * ```
 */
export function encodeConfiguration(writer: Writer, configuration: Configuration): void {
  const { id, quorums, observers } = configuration;
  writer.f64(id);
  writer.i32(quorums.electionSize);
  writer.i32(quorums.writeSize);
  writer.bool(quorums.hierarchical);
  writer.i32(quorums.voters.length);
  for (const voter of quorums.voters) {
    writer.i32(voter.id);
    writer.i32(voter.weight);
    writer.i32(voter.group);
  }
  writer.i32(observers.length);
  for (const observer of observers) writer.i32(observer);
}

export function decodeConfiguration(reader: Reader): Configuration {
  const id = reader.f64();
  const electionSize = reader.i32();
  const writeSize = reader.i32();
  const hierarchical = reader.bool();
  const voters: Voter[] = [];
  for (let left = countOf(reader); left > 0; left--) {
    voters.push({ id: reader.i32(), weight: reader.i32(), group: reader.i32() });
  }
  const observers: number[] = [];
  for (let left = countOf(reader); left > 0; left--) observers.push(reader.i32());
  const quorums = { voters, electionSize, writeSize, hierarchical };
  const problem = new Quorums(quorums).check();
  if (problem !== null) throw new DecodeError(`configuration ${id}: ${problem}`);
  return { id, quorums, observers };
}

function countOf(reader: Reader): number {
  const count = reader.i32();
  if (count < 0 || count > MEMBERS_MAX) throw new DecodeError(`${count} members`);
  return count;
}

/** The configuration that a stop-sign's body begins with: `length:i32 configuration rest`. */
export function configurationIn(body: Uint8Array): Configuration {
  const reader = new Reader();
  reader.reset(body, viewOf(body), 0, body.length);
  const length = reader.i32();
  const from = reader.at;
  const configuration = decodeConfiguration(reader);
  if (reader.at !== from + length) throw new DecodeError('a configuration of another length');
  return configuration;
}

/** Begins the body of a stop-sign; whatever belongs to it follows. */
export function beginStopSign(writer: Writer, configuration: Configuration): void {
  const at = writer.at;
  writer.i32(0);
  encodeConfiguration(writer, configuration);
  writer.patchI32(at, writer.at - at - 4);
}
