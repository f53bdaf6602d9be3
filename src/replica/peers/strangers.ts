import { type Hello, sameId } from './hello.ts';

/** Replicas that have shown up and are no members, by the id that they bear. */
export class Strangers {
  private readonly hellos = new Map<number, Hello>();

  note(hello: Hello): void {
    this.hellos.set(hello.serverId, hello);
  }

  /**
   * Who is about to become the member with this id; `present` bears it now. A stranger that has
   * become the member is none any more: when its disk is lost in its turn, it would be taken for
   * the next replica, `quoll replace` would succeed and replace nothing.
   */
  identityOf(serverId: number, present: Uint8Array | null): Uint8Array | undefined {
    const identity = this.hellos.get(serverId)?.identity;
    if (identity === undefined) return undefined;
    return present !== null && sameId(present, identity) ? undefined : identity;
  }
}
