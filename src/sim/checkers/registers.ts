import { Err, Op } from '../../protocol/constants.ts';
import type { RecordOf, Stat } from '../../protocol/records.ts';
import { textOf } from '../commands.ts';
import type { Evidence } from '../evidence.ts';
import type { Call } from '../history.ts';
import { isLinearizable, type Operation, type SequentialObject } from './linearizability.ts';

/** A znode as one register: its data and version; null while it does not exist. */
type Register = { readonly value: string; readonly version: number } | null;

export const REGISTER: SequentialObject<Register, Call> = {
  initial: null,
  apply: (state, call) => (call.outcome === 'unknown' ? effect(state, call) : answer(state, call)),
  key: (state) => (state === null ? '' : `${state.version} ${state.value}`),
};

/** More would take the search too long; longer runs have the checkers that go by zxid. */
const CALLS_MAX = 150;
const UNKNOWN_MAX = 5;
/**
 * Of so many calls under way at one time the search may try every order: clients that do not wait,
 * in a time without a leader, are for the checkers that go by zxid.
 */
const AT_ONCE_MAX = 12;
const WRITES: readonly number[] = [Op.create2, Op.setData, Op.delete];

/**
 * A second opinion on small runs, from a checker that knows nothing of zxids: the writes of each
 * znode are linearizable (see `linearizability.ts`). Reads are not, unless `readsToo`: a server may
 * lag (Hunt et al., ATC 2010, section 2.3). Znodes that multis or sessions change are left out.
 */
export function checkRegisters({ history }: Evidence, readsToo: boolean): string[] {
  const calls = new Map<string, Call[]>();
  const isSmall = history.calls.length <= 20 * CALLS_MAX;
  const hasOthers = history.calls.some(({ opcode }) => opcode === Op.multi);
  if (!isSmall || hasOthers) return [];
  for (const call of history.calls) {
    const isRead = call.opcode === Op.getData;
    if (!WRITES.includes(call.opcode) && !(isRead && readsToo)) continue;
    const { path } = call.request as { readonly path: string };
    if (!/^\/r\/[^/]*$/.test(path)) continue;
    // A read without an answer says nothing; no space is no answer, and nor is a missing parent.
    const isUnheard = isRead && call.outcome !== 'answered';
    const isOrphan = call.opcode === Op.create2 && call.err === Err.noNode;
    if (isUnheard || isOrphan || call.err === Err.systemError) continue;
    calls.set(path, [...(calls.get(path) ?? []), call]);
  }
  return [...calls].flatMap(([path, its]) => {
    const unknown = its.filter((call) => call.outcome !== 'answered').length;
    if (its.length > CALLS_MAX || unknown > UNKNOWN_MAX) return [];
    if (mostAtOnce(its) > AT_ONCE_MAX) return [];
    const found = isLinearizable(REGISTER, its.map(operationOf));
    return found === 'linearizable' ? [] : [`${path}: ${found}, by its ${its.length} calls`];
  });
}

function mostAtOnce(calls: readonly Call[]): number {
  const atOnce = calls.map(
    ({ invokedUs: us }) =>
      calls.filter((call) => call.invokedUs <= us && call.endedUs >= us).length,
  );
  return Math.max(...atOnce);
}

function operationOf(call: Call): Operation<Call> {
  return { operation: call, invokedUs: call.invokedUs, endedUs: call.endedUs };
}

/** What an unanswered write does if it takes place; one that would fail changes nothing. */
function effect(state: Register, call: Call): Register {
  const { data, version } = call.request as { data?: Uint8Array; version?: number };
  const fits = version === -1 || version === state?.version;
  switch (call.opcode) {
    case Op.create2:
      return state ?? { value: textOf(data ?? null) ?? '', version: 0 };
    case Op.setData:
      if (state === null || !fits) return state;
      return { value: textOf(data ?? null) ?? '', version: state.version + 1 };
    default:
      return fits ? null : state;
  }
}

/** The next state; undefined: the register would not have answered like that. */
function answer(state: Register, call: Call): Register | undefined {
  if (expectedError(state, call) !== call.err || !shows(state, call)) return undefined;
  return call.err === Err.ok && call.opcode !== Op.getData ? effect(state, call) : state;
}

function expectedError(state: Register, call: Call): number {
  const { version } = call.request as { version?: number };
  if (call.opcode === Op.create2) return state === null ? Err.ok : Err.nodeExists;
  if (state === null) return Err.noNode;
  const fits = version === undefined || version === -1 || version === state.version;
  return fits ? Err.ok : Err.badVersion;
}

function shows(state: Register, call: Call): boolean {
  if (call.err !== Err.ok) return true;
  if (call.opcode === Op.getData) {
    const { data, stat } = call.reply as RecordOf<'GetDataResponse'>;
    return state?.version === stat.version && state.value === textOf(data);
  }
  if (call.opcode !== Op.setData) return true;
  return (call.reply as { readonly stat: Stat }).stat.version === (state?.version ?? 0) + 1;
}
