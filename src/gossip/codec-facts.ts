import { GOSSIP_META_BYTES_MAX } from '../base/limits.ts';
import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import {
  countBytes,
  ID_BYTES,
  isPlainText,
  putCount,
  putId,
  putText,
  takeCount,
  takeId,
  takeText,
  textBytes,
} from './codec-parts.ts';
import { type Fact, type Meta, ROLES, STATUSES } from './member.ts';

/** A fact's first byte: the status in its low two bits, and what else is there. */
const HAS_META = 4;
const HAS_ACCUSER = 8;
const FLAGS = 15;

/** Flags, id, incarnation, life, counter and age, at their shortest. */
const FACT_BYTES_MIN = 1 + ID_BYTES + 4;

/**
 * ```
 * meta := role:u8 serverId:count address:text bulkAddress:text clientPort:count version:text
 *         leader:count leaderRound:count load:count appliedSlot:count appliedZxid:count
 * ```
 */
export function putMeta(writer: Writer, meta: Meta): void {
  writer.u8(ROLES.indexOf(meta.role));
  putCount(writer, meta.serverId);
  putText(writer, meta.address);
  putText(writer, meta.bulkAddress);
  putCount(writer, meta.clientPort);
  putText(writer, meta.version);
  putCount(writer, meta.leader);
  putCount(writer, meta.leaderRound);
  putCount(writer, meta.load);
  putCount(writer, meta.appliedSlot);
  putCount(writer, meta.appliedZxid);
}

export function metaBytes(meta: Meta): number {
  return (
    1 +
    countBytes(meta.serverId) +
    textBytes(meta.address) +
    textBytes(meta.bulkAddress) +
    countBytes(meta.clientPort) +
    textBytes(meta.version) +
    countBytes(meta.leader) +
    countBytes(meta.leaderRound) +
    countBytes(meta.load) +
    countBytes(meta.appliedSlot) +
    countBytes(meta.appliedZxid)
  );
}

/** False for what other members would refuse to read. */
export function isSoundMeta(meta: Meta): boolean {
  const texts = [meta.address, meta.bulkAddress, meta.version];
  return (
    meta.address !== '' && texts.every(isPlainText) && metaBytes(meta) <= GOSSIP_META_BYTES_MAX
  );
}

export function takeMeta(reader: Reader): Meta {
  const from = reader.at;
  const role = ROLES[reader.u8()];
  if (role === undefined) throw new DecodeError('a member of unknown role');
  const serverId = takeCount(reader);
  const [address, bulkAddress] = [takeText(reader), takeText(reader)];
  const clientPort = takeCount(reader);
  const version = takeText(reader);
  const [leader, leaderRound] = [takeCount(reader), takeCount(reader)];
  const [load, appliedSlot, appliedZxid] = [
    takeCount(reader),
    takeCount(reader),
    takeCount(reader),
  ];
  if (address === '') throw new DecodeError('a member without an address');
  if (reader.at - from > GOSSIP_META_BYTES_MAX) throw new DecodeError('a member says too much');
  return {
    ...{ role, serverId, address, bulkAddress, clientPort, version },
    ...{ leader, leaderRound, load, appliedSlot, appliedZxid },
  };
}

/** `fact := flags:u8 id incarnation life counter age:count [accuser:id] [meta]` */
export function putFact(writer: Writer, fact: Fact): void {
  const meta = fact.meta === null ? 0 : HAS_META;
  const accuser = fact.accuser === null ? 0 : HAS_ACCUSER;
  writer.u8(STATUSES.indexOf(fact.status) | meta | accuser);
  putId(writer, fact.id);
  putCount(writer, fact.incarnation);
  putCount(writer, fact.life);
  putCount(writer, fact.counter);
  putCount(writer, fact.ageTicks);
  if (fact.accuser !== null) putId(writer, fact.accuser);
  if (fact.meta !== null) putMeta(writer, fact.meta);
}

/** Exactly what `putFact` writes. */
export function factBytes(fact: Fact): number {
  return (
    1 +
    ID_BYTES +
    countBytes(fact.incarnation) +
    countBytes(fact.life) +
    countBytes(fact.counter) +
    countBytes(fact.ageTicks) +
    (fact.accuser === null ? 0 : ID_BYTES) +
    (fact.meta === null ? 0 : metaBytes(fact.meta))
  );
}

function takeFact(reader: Reader): Fact {
  const flags = reader.u8();
  if (flags > FLAGS) throw new DecodeError('a fact with unknown flags');
  const status = STATUSES[flags & 3] as Fact['status'];
  const id = takeId(reader);
  const [incarnation, life, counter] = [takeCount(reader), takeCount(reader), takeCount(reader)];
  const ageTicks = takeCount(reader);
  const accuser = (flags & HAS_ACCUSER) === 0 ? null : takeId(reader);
  const meta = (flags & HAS_META) === 0 ? null : takeMeta(reader);
  if (status === 'alive' && meta === null) throw new DecodeError('alive, nobody knows where');
  if ((status === 'suspect') !== (accuser !== null)) throw new DecodeError('an odd accusation');
  return { id, status, incarnation, life, counter, ageTicks, accuser, meta };
}

/** `facts := count fact*` */
export function putFacts(writer: Writer, facts: readonly Fact[]): void {
  putCount(writer, facts.length);
  for (const fact of facts) putFact(writer, fact);
}

export function factsBytes(facts: readonly Fact[]): number {
  return facts.reduce((sum, fact) => sum + factBytes(fact), countBytes(facts.length));
}

export function takeFacts(reader: Reader): Fact[] {
  const count = takeCount(reader);
  // No count is believed that the bytes could not hold (rule 54).
  if (count * FACT_BYTES_MIN > reader.remaining) throw new DecodeError(`${count} facts`);
  return Array.from({ length: count }, () => takeFact(reader));
}
