/**
 * An impossible state. Input from a client or a disk never raises it: those have errors of their
 * own. Whoever catches it stops the replica, because memory can no longer be trusted.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Holds in production too: a broken invariant stops one replica rather than spreading. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the end of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
