import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { type Ballot, NO_BALLOT } from './ballot.ts';
import { type Configuration, decodeConfiguration, encodeConfiguration } from './configuration.ts';

/** What an acceptor must never forget beside its log (rules 7 and 25). */
export interface HardState {
  /** The highest ballot promised: nothing below it is accepted any more. */
  readonly promised: Ballot;
  /** The ballot under which the log as a whole was accepted in `configuration`. */
  readonly accepted: Ballot;
  readonly configuration: Configuration;
}

/**
 * The state of an acceptor whose snapshot stands in `configuration`: if that is a later one than
 * the state knows, nothing was accepted in it.
 */
export function stateIn(configuration: Configuration, state: HardState): HardState {
  if (configuration.id <= state.configuration.id) return state;
  return { promised: state.promised, accepted: NO_BALLOT, configuration };
}

/** `promised accepted configuration`, a ballot being `round:f64 replica:i32`. */
export function encodeHardState(state: HardState): Uint8Array {
  const writer = new Writer(128);
  for (const ballot of [state.promised, state.accepted]) {
    writer.f64(ballot.round);
    writer.i32(ballot.replica);
  }
  encodeConfiguration(writer, state.configuration);
  return writer.written().slice();
}

export function decodeHardState(bytes: Uint8Array): HardState {
  const reader = new Reader(bytes);
  const promised = { round: reader.f64(), replica: reader.i32() };
  const accepted = { round: reader.f64(), replica: reader.i32() };
  return { promised, accepted, configuration: decodeConfiguration(reader) };
}
