/** What a text in a configuration may say. */
export type ValueType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  /** Words between commas; with `words` null any will do. */
  | { readonly kind: 'list'; readonly words: readonly string[] | null }
  | IntegerType
  /** Bytes, with k, m or g for powers of 1024. */
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  | { readonly kind: 'fraction'; readonly min: number; readonly max: number }
  | { readonly kind: 'text' }
  /** A text that is never shown again. */
  | { readonly kind: 'secret' };

export interface IntegerType {
  readonly kind: 'integer';
  readonly min: number;
  readonly max: number;
  readonly unit: string | null;
}

/**
 * honoured: Quoll does what the key says. accepted: it has no effect, because Quoll lacks the part
 * that it tunes. refused: what it asks for can't be had, and to go on without would be unsafe or
 * surprising; only its default, which asks for nothing, lets the server start.
 */
export type KeyStatus = 'honoured' | 'accepted' | 'refused';

export interface ConfigKey {
  /** As it stands in zoo.cfg; `<…>` at the end stands for whatever follows. */
  readonly name: string;
  /** The JVM's name for it; null for keys that ZooKeeper reads from the file only. */
  readonly property: string | null;
  /** ZooKeeper reads it from the JVM's command line only, and ignores it in zoo.cfg. */
  readonly jvmOnly: boolean;
  readonly type: ValueType;
  /** Quoll's, as it would be written; null: none, or see `defaultNote`. */
  readonly default: string | null;
  /** Where the default comes from when it is not a constant. */
  readonly defaultNote: string | null;
  /** Other values that ask for nothing that Quoll lacks, and are met in silence. */
  readonly harmless: readonly string[];
  readonly status: KeyStatus;
  readonly help: string;
  /** Why the key is accepted or refused, and what to do instead. */
  readonly reason: string | null;
  /** How loudly a key that is set without effect is reported. */
  readonly notice: 'info' | 'warning';
}

export interface KeySection {
  readonly title: string;
  readonly keys: readonly ConfigKey[];
}

type Extra = Partial<
  Pick<ConfigKey, 'property' | 'jvmOnly' | 'defaultNote' | 'harmless' | 'notice'>
>;

const INT_MAX = 2_147_483_647;
const LONG_MAX = Number.MAX_SAFE_INTEGER;

export const boolean: ValueType = { kind: 'boolean' };
export const text: ValueType = { kind: 'text' };
export const secret: ValueType = { kind: 'secret' };
export const yesNo: ValueType = { kind: 'word', words: ['yes', 'no'] };
export const port: ValueType = { kind: 'integer', min: 0, max: 65_535, unit: null };

export function word(...words: string[]): ValueType {
  return { kind: 'word', words };
}

export function list(words: readonly string[] | null): ValueType {
  return { kind: 'list', words };
}

/** A Java int. */
export function int(min: number, unit: string | null = null): ValueType {
  return { kind: 'integer', min, max: INT_MAX, unit };
}

/** A Java long, as far as a JavaScript number is exact. */
export function long(min: number, unit: string | null = null): ValueType {
  return { kind: 'integer', min, max: LONG_MAX, unit };
}

export function fraction(min: number, max: number): ValueType {
  return { kind: 'fraction', min, max };
}

/** For keys that ZooKeeper knows by name in zoo.cfg and nowhere else. */
export const fileKey: Extra = { property: null };

/** For keys that ZooKeeper reads from the JVM's command line and nowhere else. */
export function jvmKey(property: string): Extra {
  return { property, jvmOnly: true };
}

/** For keys whose loss somebody may notice. */
export const loud: Extra = { notice: 'warning' };

export function honoured(
  name: string,
  type: ValueType,
  defaultText: string | null,
  help: string,
  extra: Extra = {},
): ConfigKey {
  return row(name, type, defaultText, 'honoured', help, null, extra);
}

type WithReason = (
  name: string,
  type: ValueType,
  defaultText: string | null,
  help: string,
  reason: string,
  extra?: Extra,
) => ConfigKey;

function withReason(status: KeyStatus): WithReason {
  return (name, type, defaultText, help, reason, extra = {}) =>
    row(name, type, defaultText, status, help, reason, extra);
}

export const accepted: WithReason = withReason('accepted');

export const refused: WithReason = withReason('refused');

function row(
  name: string,
  type: ValueType,
  defaultText: string | null,
  status: KeyStatus,
  help: string,
  reason: string | null,
  extra: Extra,
): ConfigKey {
  return {
    name,
    property: `zookeeper.${name}`,
    jvmOnly: false,
    type,
    default: defaultText,
    defaultNote: null,
    harmless: [],
    status,
    help,
    reason,
    notice: 'info',
    ...extra,
  };
}
