import type { Body } from '../../src/protocol/frames.ts';

/** What the generator makes and the runner carries out. An episode is a list of steps. */

/** One request. `id` names it within its episode, also after the episode has been shrunk. */
export interface Op {
  readonly id: number;
  readonly xid: number;
  readonly type: number;
  /** A record, or the raw bytes behind the header. */
  readonly body: Body | Uint8Array;
  /** `body.relativeZxid` counts from the episode's base, which each server has for itself. */
  readonly fromBase?: boolean;
  /** The whole frame with its length, in place of header and body. */
  readonly frame?: Uint8Array;
  /** The server must close the connection, after a reply or without one. */
  readonly closes?: 'replied' | 'silent' | 'either';
}

export interface Handshake {
  readonly protocolVersion: number;
  readonly timeOut: number;
  readonly readOnly: boolean | null;
  /** Of a new session: sent as it is. */
  readonly passwd: Uint8Array | null;
  readonly lastZxidSeen: 'zero' | 'base' | 'ahead';
}

interface OnSlot {
  readonly id: number;
  /** Which of the episode's connections. */
  readonly slot: number;
}

/** Opens a new session, called `id`. `early` is sent before the server has answered. */
export interface Connect extends OnSlot {
  readonly kind: 'connect';
  readonly handshake: Handshake;
  readonly early: readonly Op[];
}

/** Re-attaches to session `session`; whoever holds it loses its connection. */
export interface Attach extends OnSlot {
  readonly kind: 'attach';
  readonly session: number;
  readonly password: 'right' | 'wrong' | 'empty' | 'null';
  readonly handshake: Handshake;
}

/** Requests sent at once, and answered before the next step. */
export interface Burst extends OnSlot {
  readonly kind: 'burst';
  readonly ops: readonly Op[];
}

/** Requests sent at once on a connection that is cut without waiting for answers. */
export interface Kill extends OnSlot {
  readonly kind: 'kill';
  readonly ops: readonly Op[];
}

export type Step = Connect | Attach | Burst | Kill;

export interface Episode {
  readonly seed: number;
  readonly root: string;
  readonly steps: readonly Step[];
}

export function opsOf(step: Step): readonly Op[] {
  if (step.kind === 'connect') return step.early;
  return step.kind === 'attach' ? [] : step.ops;
}
