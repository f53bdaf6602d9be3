import type { Writer } from '../base/writer.ts';
import { CommandHeader, CommandKind } from '../state/command.ts';
import { Identities } from '../state/identities.ts';
import type { Attachment } from './attachment.ts';
import type { Outbox } from './outbox.ts';

/** Writes the commands of this replica's connections. Time and flags are the leader's to stamp. */
export class OwnCommands {
  private readonly outbox: Outbox;
  private readonly onCommand: () => void;
  private readonly header = new CommandHeader();

  constructor(outbox: Outbox, onCommand: () => void) {
    this.outbox = outbox;
    this.onCommand = onCommand;
  }

  /** A session is to be opened or attached. */
  begin(kind: number, high: number, low: number, generation: number, number: number): Writer {
    const { header } = this;
    header.opcode = 0;
    header.cxid = 0;
    header.sessionHigh = high;
    header.sessionLow = low;
    header.generation = generation;
    header.sequence = number;
    return this.encode(kind, Identities.none);
  }

  beginWrite(attachment: Attachment, opcode: number, cxid: number, identities: Identities): Writer {
    return this.beginOf(CommandKind.write, attachment, opcode, cxid, identities);
  }

  beginReject(attachment: Attachment, opcode: number, cxid: number): Writer {
    return this.beginOf(CommandKind.reject, attachment, opcode, cxid, Identities.none);
  }

  end(): void {
    this.outbox.close();
    this.onCommand();
  }

  private beginOf(
    kind: number,
    attachment: Attachment,
    opcode: number,
    cxid: number,
    identities: Identities,
  ): Writer {
    const { header } = this;
    header.opcode = opcode;
    header.cxid = cxid;
    header.sessionHigh = attachment.high;
    header.sessionLow = attachment.low;
    header.generation = attachment.generation;
    header.sequence = ++attachment.sequence;
    return this.encode(kind, identities);
  }

  private encode(kind: number, identities: Identities): Writer {
    this.header.kind = kind;
    const writer = this.outbox.open();
    this.header.encode(writer, identities.encoded);
    return writer;
  }
}
