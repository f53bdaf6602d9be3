import type { Anchor, Unchained } from '../paxos/entry.ts';
import type { FetchTarget, SnapshotSink } from '../replica/peers/fetcher.ts';
import type { Replica } from '../replica/replica.ts';
import { GENESIS_HASH } from '../storage/record.ts';
import type { Storage } from '../storage/storage.ts';
import type { CompanionOptions } from './companions.ts';

/** Where what a peer sends in bulk goes: entries to the replica, a snapshot to the disk. */
export class ReplicaTarget implements FetchTarget {
  replica: Replica | null = null;
  private readonly options: CompanionOptions;

  constructor(options: CompanionOptions) {
    this.options = options;
  }

  get learnFrom(): Anchor {
    return this.replica?.paxos.learnFrom ?? { slot: 0, hash: GENESIS_HASH };
  }

  get isBehindDisk(): boolean {
    return this.replica?.isBehindDisk ?? false;
  }

  learn(after: Anchor, entries: readonly Unchained[], hash: Uint8Array): boolean {
    return this.replica?.learn(after, entries, hash) ?? false;
  }

  async beginInstall(
    announced: Parameters<Storage['beginInstall']>[0],
  ): Promise<SnapshotSink | null> {
    const { storage, giveWay } = this.options;
    const { slot, hash } = announced;
    if (slot <= (this.replica?.paxos.decidedSlot ?? 0)) return null;
    // Where the log here agrees, what stands behind it may have been acknowledged: it stays.
    if (this.replica?.learn({ slot, hash }, [], hash) === true) return null;
    const install = await storage.beginInstall(announced);
    return {
      write: (bytes) => install.write(bytes),
      finish: () => giveWay(() => install.finish()),
      abort: () => install.abort(),
    };
  }
}
