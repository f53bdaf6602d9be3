/** Facts that go with a message; values are plain data, and an `error` field may hold an Error. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Where the server says what happens to it. A call never throws and never waits, so it may stand
 * anywhere; the message is constant text and everything that varies goes into the fields, so that
 * lines can be searched and counted.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Says nothing: for embedding and for tests. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};
