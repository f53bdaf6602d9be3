/** ZooKeeper's client protocol as data: numbers and records. */
export * as constants from '../protocol/constants.ts';
