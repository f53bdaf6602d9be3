import { Writer } from '../base/writer.ts';
import type { EnsembleConfig } from '../config/server-config.ts';
import { beginStopSign } from '../paxos/configuration.ts';
import { type ChainHash, type Entry, EntryKind } from '../paxos/entry.ts';
import { CommandHeader, CommandKind } from '../state/command.ts';
import { Identities } from '../state/identities.ts';
import { encodeMembership, ID_BYTES } from '../state/membership.ts';
import { GENESIS_HASH } from '../storage/record.ts';
import { configurationOf } from './voters.ts';

/**
 * The body of slot 1: the first configuration, and the command that founds the ensemble. Every
 * voter has it in its log before it votes, so that no leader can ever put anything else there.
 */
export function genesisBody(
  ensemble: EnsembleConfig,
  clusterId: Uint8Array,
  identities: ReadonlyMap<number, Uint8Array>,
): Uint8Array {
  const writer = new Writer(1_024);
  beginStopSign(writer, configurationOf(ensemble));
  const at = writer.at;
  writer.i32(0);
  const header = new CommandHeader();
  header.kind = CommandKind.genesis;
  header.encode(writer, Identities.none.encoded);
  writer.raw(clusterId);
  // Observers vote for nothing, so whichever replica bears their id may be one.
  const anyone = new Uint8Array(ID_BYTES);
  encodeMembership(writer, {
    number: 1,
    version: 0,
    members: ensemble.servers.map((server) => ({
      ...server,
      identity: identities.get(server.id) ?? anyone,
    })),
    hierarchical: ensemble.hierarchical,
    electionSize: ensemble.electionQuorumSize,
    writeSize: ensemble.writeQuorumSize,
  });
  writer.patchI32(at, writer.at - at - 4);
  return writer.written().slice();
}

/** Round 0 is nobody's: what stands there was agreed on before there was a leader. */
export function genesisEntry(chain: ChainHash, founder: number, body: Uint8Array): Entry {
  const entry = { slot: 1, round: 0, replica: founder, kind: EntryKind.configuration, body };
  const hash = chain(GENESIS_HASH, 1, entry.round, entry.kind, entry.replica, body);
  return { ...entry, hash };
}
