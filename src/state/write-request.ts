import { DecodeError, type Reader } from '../base/reader.ts';
import { CreateMode, Op } from '../protocol/constants.ts';

/**
 * A client's write, decoded in place: offsets into the command instead of objects. One is reused
 * for all commands, so nothing is allocated per field.
 */
export class WriteRequest {
  /** What is to be done; inside a multi it may differ from the opcode that was sent. */
  opcode = 0;
  pathFrom = 0;
  pathTo = 0;
  dataFrom = 0;
  /** -1 for null. */
  dataLength = -1;
  aclFrom = 0;
  aclTo = 0;
  flags = 0;
  ttlMs = -1;
  version = -1;

  /** Reads the request record of `opcode`; a null path is refused like a malformed one. */
  decode(opcode: number, reader: Reader): void {
    this.opcode = opcode;
    this.pathFrom = reader.span();
    if (reader.length < 0) throw new DecodeError('null path');
    this.pathTo = this.pathFrom + reader.length;
    switch (opcode) {
      case Op.create:
      case Op.create2:
      case Op.createContainer:
      case Op.createTTL:
        this.decodeData(reader);
        this.decodeAcl(reader);
        this.flags = reader.i32();
        this.ttlMs = opcode === Op.createTTL ? reader.i64() : -1;
        return;
      case Op.setData:
        this.decodeData(reader);
        this.version = reader.i32();
        return;
      case Op.setACL:
        this.decodeAcl(reader);
        this.version = reader.i32();
        return;
      case Op.delete:
      case Op.check:
        this.version = reader.i32();
        return;
      default:
        throw new DecodeError(`operation ${opcode} is no write`);
    }
  }

  /** Reads a MultiHeader and, unless it ends the multi, the request behind it. */
  decodeOfMulti(reader: Reader): boolean {
    const type = reader.i32();
    const done = reader.bool();
    reader.i32();
    if (done) return false;
    if (type === Op.setACL) throw new DecodeError('setACL inside a multi');
    this.decode(type, reader);
    if (!isCreate(type)) return true;
    const { flags } = this;
    if (flags < CreateMode.persistent || flags > CreateMode.persistentSequentialWithTTL) {
      throw new DecodeError(`create flags ${flags} inside a multi`);
    }
    // A TTL needs the record that carries one.
    if (type !== Op.createTTL && flags >= CreateMode.persistentWithTTL) {
      throw new DecodeError(`create flags ${flags} without a TTL inside a multi`);
    }
    // Inside a multi the flags decide what is created, not the opcode (protocol document 6.1).
    if (flags === CreateMode.container) this.opcode = Op.createContainer;
    else if (type === Op.createContainer) this.opcode = Op.create2;
    return true;
  }

  /** Whether the path of this create gets a suffix. */
  get isSequential(): boolean {
    const { flags } = this;
    return (
      isCreate(this.opcode) &&
      (flags === CreateMode.persistentSequential ||
        flags === CreateMode.ephemeralSequential ||
        flags === CreateMode.persistentSequentialWithTTL)
    );
  }

  private decodeData(reader: Reader): void {
    this.dataFrom = reader.span();
    this.dataLength = reader.length;
  }

  private decodeAcl(reader: Reader): void {
    this.aclFrom = reader.at;
    for (let count = reader.i32(); count > 0; count--) {
      reader.i32();
      reader.span();
      reader.span();
    }
    this.aclTo = reader.at;
  }
}

function isCreate(opcode: number): boolean {
  return (
    opcode === Op.create ||
    opcode === Op.create2 ||
    opcode === Op.createContainer ||
    opcode === Op.createTTL
  );
}

/** Counts the operations of a multi; -1 if it can't be decoded as a whole. */
export function countMulti(reader: Reader, scratch: WriteRequest): number {
  const from = reader.at;
  try {
    let count = 0;
    while (scratch.decodeOfMulti(reader)) count++;
    return count;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return -1;
  } finally {
    reader.at = from;
  }
}

/** Whether a well-formed write may take memory: creates and sets do, deletes free some. */
export function takesMemory(opcode: number, body: Reader): boolean {
  if (opcode !== Op.multi) return opcode === Op.setData || opcode === Op.setACL || isCreate(opcode);
  const from = body.at;
  try {
    while (structure.decodeOfMulti(body)) {
      if (structure.opcode === Op.setData || isCreate(structure.opcode)) return true;
    }
    return false;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return false;
  } finally {
    body.at = from;
  }
}

/** Holds nothing between two calls. */
const structure = new WriteRequest();

/**
 * Whether `body` decodes as the request record of `opcode`. The edge asks before it submits: what
 * does not decode is answered MarshallingError without a zxid. A multi is submitted all the same.
 */
export function wellFormedWrite(opcode: number, body: Reader): boolean {
  const from = body.at;
  try {
    if (opcode === Op.multi) return countMulti(body, structure) >= 0;
    if (opcode === Op.closeSession) return true;
    if (opcode === Op.check) return false;
    if (opcode === Op.reconfig) skipReconfig(body);
    else structure.decode(opcode, body);
    return true;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return false;
  } finally {
    body.at = from;
  }
}

function skipReconfig(reader: Reader): void {
  reader.span();
  reader.span();
  reader.span();
  reader.skip(8);
}
