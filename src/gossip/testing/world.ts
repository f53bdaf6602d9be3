import type { Prng } from '../../base/prng.ts';
import { testChain } from '../../paxos/testing/chain.ts';
import type { Anchor, Entry } from '../entry.ts';
import type { MemberId, Meta, Role } from '../member.ts';
import type { Envelope } from '../messages.ts';
import type { Tuning } from '../options.ts';
import type { Change } from '../output.ts';
import type { Events } from './events.ts';
import type { Network } from './network.ts';
import type { Node } from './node.ts';

export const TICK_MS = 50;

export interface Traffic {
  messages: number;
  bytes: number;
  /** Entries' bodies pushed, in copies and in bytes. */
  copies: number;
  copyBytes: number;
}

/** What a member needs of its surroundings. */
export interface World {
  readonly prng: Prng;
  readonly events: Events;
  readonly network: Network;
  readonly now: number;
  readonly log: readonly Entry[];
  /** Addresses. */
  readonly voters: readonly string[];
  readonly options: {
    readonly tuning?: Partial<Tuning>;
    readonly tellsStalls: boolean;
    readonly thorough: boolean;
  };
  nodeOf(id: MemberId): Node | undefined;
  anchorAt(slot: number): Anchor;
  changed(observer: Node, change: Change): void;
  delivered(node: Node, entry: Entry): void;
  send(from: Node, envelope: Envelope): void;
}

export function hashOf(previous: Uint8Array, slot: number, body: Uint8Array): Uint8Array {
  return testChain(previous, slot, 0, 0, 0, body);
}

export function idOf(index: number): MemberId {
  return (index + 1).toString(16).padStart(32, '0');
}

export function metaOf(index: number, role: Role): Meta {
  return {
    role,
    serverId: role === 'voter' ? index + 1 : 0,
    address: `10.0.${index >> 8}.${index & 255}:2881`,
    bulkAddress: `10.0.${index >> 8}.${index & 255}:2888`,
    clientPort: 2181,
    version: '0.1.0',
    ...{ leader: 1, leaderRound: 1, load: 0, appliedSlot: 0, appliedZxid: 0 },
  };
}
