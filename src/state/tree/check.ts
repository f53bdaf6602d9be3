import { DecodeError } from '../../base/reader.ts';

/** For bytes from outside, where `assert` is for our own: the sender lied, nobody stops. */
export function check(condition: boolean, message: string): void {
  if (!condition) throw new DecodeError(`tree image: ${message}`);
}
