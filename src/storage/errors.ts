export type StorageErrorKind =
  /** Bytes that were whole once and are not now, or a file that is missing. */
  | 'damage'
  /** The directory holds nothing of ours and no identity was given for it. */
  | 'blank'
  /** The log does not reach back to the newest snapshot that can be read. */
  | 'stale'
  /** Files of ZooKeeper, or of another cluster. */
  | 'foreign'
  /** Written by a later version. */
  | 'version';

/** Why a directory can't be served. The message is whole: where, what, and what to do about it. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly kind: StorageErrorKind;
  readonly file: string;
  /** Where in the file; -1 when it concerns all of it. */
  readonly offset: number;
  /** The first slot that is concerned; -1 when it is not known. */
  readonly slot: number;
  readonly what: string;
  readonly advice: string;

  constructor(
    kind: StorageErrorKind,
    file: string,
    offset: number,
    slot: number,
    what: string,
    advice = '',
  ) {
    const at = offset < 0 ? '' : `, byte ${offset}`;
    const about = slot < 0 ? '' : `, slot ${slot}`;
    super(`${file}${at}${about}: ${what}${advice === '' ? '' : `. ${advice}`}`);
    this.kind = kind;
    this.file = file;
    this.offset = offset;
    this.slot = slot;
    this.what = what;
    this.advice = advice;
  }
}
