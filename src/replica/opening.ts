import { Writer } from '../base/writer.ts';
import { COMMAND_HEADER_BYTES, CommandHeader, CommandKind } from '../state/command.ts';
import { OpenEpoch } from '../state/ensemble-commands.ts';
import { Identities } from '../state/identities.ts';

/** What a new leader proposes before anything else: a batch of one command. */
export function openingBody(wallMs: number, opensEpoch: boolean): Uint8Array {
  const header = new CommandHeader();
  header.kind = CommandKind.openEpoch;
  header.timeMs = wallMs;
  const writer = new Writer(COMMAND_HEADER_BYTES + 16);
  writer.i32(0);
  header.encode(writer, Identities.none.encoded);
  writer.i32(opensEpoch ? OpenEpoch.opensEpoch : 0);
  writer.i32(0);
  writer.patchI32(0, writer.at - 4);
  return writer.written();
}
