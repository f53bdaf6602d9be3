import type { Membership } from '../state/membership.ts';
import type { Model } from '../state/testing/model.ts';
import type { ModelOutcome } from '../state/testing/model-parts.ts';
import { commandsOf, type LoggedCommand } from './commands.ts';
import type { DecidedEntry } from './decided.ts';
import { EnsembleModel } from './ensemble-model.ts';
import type { Call, History } from './history.ts';
import { moveModelNearWraps } from './near-wraps.ts';

/** A command of the agreed log, and what a naive model makes of it there. */
export interface AppliedCommand extends LoggedCommand {
  readonly outcome: ModelOutcome;
  /** The ensemble behind it. */
  readonly members: Membership | null;
}

/** What the checkers go by: what clients saw, and what was agreed. */
export interface Evidence {
  readonly history: History;
  readonly log: readonly AppliedCommand[];
}

/** Replays the log on the model, and shows the model's state behind each command. */
export function replayed(
  entries: readonly DecidedEntry[],
  show: (model: Model) => void,
  nearWraps = false,
): AppliedCommand[] {
  const model = new EnsembleModel();
  if (nearWraps) moveModelNearWraps(model);
  show(model);
  return entries.flatMap(commandsOf).map((command) => {
    const outcome = model.apply(command);
    show(model);
    return { ...command, outcome, members: model.members };
  });
}

/** Names one request of one client: an xid is never used twice in a session. */
export function callKey(call: { session: bigint; xid: number }): string {
  return `${call.session}:${call.xid}`;
}

export function describe(call: Call): string {
  const { xid, client, opcode, zxid, err } = call;
  const result = err === 0 ? '' : `, error ${err}`;
  return `xid ${xid} of ${client} (operation ${opcode}, zxid ${zxid}${result})`;
}
