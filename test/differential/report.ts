import { operations } from '../../src/protocol/operations.ts';
import type { Mismatch } from './compare.ts';
import type { CrowdFinding } from './crowd.ts';
import type { Difference } from './lockstep.ts';
import { printable } from './lockstep.ts';
import type { Op, Step } from './steps.ts';
import type { TimerFinding } from './timers.ts';

/** Says what differed, for people. */

/** Two differences with one signature are most likely one and the same. */
export function signatureOf({ field, a, b }: Mismatch): string {
  const what = a?.what ?? b?.what;
  const values = field === 'err' ? ` ${String(a?.err)}/${String(b?.err)}` : '';
  const other = field === 'what' || field === 'presence' ? ` / ${String(b?.what)}` : '';
  return `${String(what)}${other}: ${field.replace(/\d+/g, 'N')}${values}`;
}

export function describe(difference: Difference, names: readonly [string, string]): string {
  const { episode, step, slot, mismatch, context } = difference;
  return [
    `DIFFERENCE ${signatureOf(mismatch)}`,
    `  episode seed ${episode.seed}, root ${episode.root}, step ${step.id}, connection ${slot}`,
    `  steps:`,
    ...episode.steps.slice(0, episode.steps.indexOf(step) + 1).flatMap(describeStep),
    `  the last answers of ${names[0]}:`,
    ...context.map((line) => `    ${line}`),
    `  item ${mismatch.index} of this step, field ${mismatch.field}:`,
    `    ${names[0]}: ${JSON.stringify(mismatch.a, printable)}`,
    `    ${names[1]}: ${JSON.stringify(mismatch.b, printable)}`,
  ].join('\n');
}

/** The operations up to the one that differs, of the connection that noticed. */
export function describeCrowd(found: CrowdFinding, names: readonly [string, string]): string {
  const { crowd, slot, mismatch } = found;
  const member = crowd.members.find((candidate) => candidate.slot === slot);
  const ops = member?.groups.flat(2) ?? [];
  const xid = mismatch.a?.xid ?? mismatch.b?.xid;
  const last = ops.findIndex((op) => op.xid === xid);
  return [
    `DIFFERENCE concurrent: ${signatureOf(mismatch)}`,
    `  episode seed ${crowd.seed}, root ${crowd.root}, connection ${slot}`,
    ...ops.slice(0, last < 0 ? 30 : last + 1).map(describeOp),
    `  item ${mismatch.index} of its stream, field ${mismatch.field}:`,
    `    ${names[0]}: ${JSON.stringify(mismatch.a, printable)}`,
    `    ${names[1]}: ${JSON.stringify(mismatch.b, printable)}`,
  ].join('\n');
}

export function describeTimer(found: TimerFinding, names: readonly [string, string]): string {
  const { scenario, mismatch } = found;
  return [
    `DIFFERENCE timers: ${scenario}, field ${mismatch.field}`,
    `    ${names[0]}: ${JSON.stringify(mismatch.a, printable)}`,
    `    ${names[1]}: ${JSON.stringify(mismatch.b, printable)}`,
  ].join('\n');
}

function describeStep(step: Step): string[] {
  const head = `    step ${step.id}, connection ${step.slot}: ${step.kind}`;
  if (step.kind === 'attach') {
    const { session, password, handshake } = step;
    return [`${head} session of step ${session}, ${password} password, ${text(handshake)}`];
  }
  if (step.kind === 'connect') {
    return [`${head} ${text(step.handshake)}`, ...step.early.map(describeOp)];
  }
  return [head, ...step.ops.map(describeOp)];
}

function describeOp({ type, xid, body, frame }: Op): string {
  const name = operations.get(type)?.name ?? `opcode ${type}`;
  const content = frame === undefined ? text(body) : `frame ${Buffer.from(frame).toString('hex')}`;
  return `      xid ${xid} ${name} ${content}`;
}

function text(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  return JSON.stringify(value, (key, field: unknown) => {
    if (field instanceof Uint8Array) return shortHex(field);
    return printable(key, field);
  });
}

function shortHex(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, 40)).toString('hex');
  return bytes.length > 40 ? `hex ${hex}... ${bytes.length} bytes` : `hex ${hex}`;
}
