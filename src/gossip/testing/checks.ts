import { equalBytes } from '../../base/bytes.ts';
import { GOSSIP_PACKET_BYTES_MAX, GOSSIP_SEAL_BYTES } from '../../base/limits.ts';
import type { Entry } from '../entry.ts';
import type { MemberId } from '../member.ts';
import type { Envelope } from '../messages.ts';
import type { Change } from '../output.ts';

/** A broken promise of the protocol; the message says which and where. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function check(condition: boolean, invariant: string, detail: string): asserts condition {
  if (!condition) throw new Violation(`${invariant}: ${detail}`);
}

/** Rules 43 and 57: only a member itself raises its incarnation; `truth` is the member's own. */
export function checkIncarnations(
  { message }: Envelope,
  truth: (id: MemberId) => number | undefined,
): void {
  if (!('facts' in message)) return;
  for (const { id, incarnation } of message.facts) {
    const own = truth(id);
    check(own !== undefined, 'nobody is invented', id);
    check(incarnation <= own, 'only the subject raises its incarnation', `${id} ${incarnation}`);
  }
}

/** Rule 42 and the format: a packet is never cut on its way. */
export function checkSize(bytes: number, stream: boolean): void {
  const isShort = bytes <= GOSSIP_PACKET_BYTES_MAX - GOSSIP_SEAL_BYTES;
  check(stream || isShort, 'packets fit', `${bytes} bytes`);
}

/** SWIM 4.2: a dead incarnation stays dead, until its tombstone is reaped. One per observer. */
export class Graves {
  private readonly dead = new Map<MemberId, number>();

  changed({ kind, id, incarnation }: Change): void {
    if (kind === 'died' || kind === 'left') this.dead.set(id, incarnation);
    else if (kind === 'forgotten') this.dead.delete(id);
    else {
      const grave = this.dead.get(id);
      check(
        grave === undefined || incarnation > grave,
        'no dead incarnation rises',
        `${id} ${incarnation} ${kind} after ${grave}`,
      );
      this.dead.delete(id);
    }
  }
}

/** Rules 38 and 39: what is delivered is a prefix of what was committed. */
export function checkDelivery(entry: Entry, last: number, log: readonly Entry[]): void {
  check(entry.slot === last + 1, 'no slot is left out', `${entry.slot} after ${last}`);
  const committed = log[entry.slot - 1];
  check(committed !== undefined, 'nothing uncommitted is delivered', `slot ${entry.slot}`);
  const isSame = equalBytes(entry.hash, 0, committed.hash, 0, committed.hash.length);
  check(isSame, 'one history', `slot ${entry.slot}`);
}
