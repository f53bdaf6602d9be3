import { Op } from '../../protocol/constants.ts';

const TAGS: ReadonlyMap<number, string> = new Map([
  [Op.ping, 'PING'],
  [Op.createSession, 'SESS'],
  [Op.multi, 'MULT'],
  [Op.multiRead, 'MLTR'],
  [Op.create, 'CREA'],
  [Op.create2, 'CREA'],
  [Op.createContainer, 'CREA'],
  [Op.createTTL, 'CREA'],
  [Op.delete, 'DELE'],
  [Op.deleteContainer, 'DELE'],
  [Op.setData, 'SETD'],
  [Op.reconfig, 'RECO'],
  [Op.setACL, 'SETA'],
  [Op.closeSession, 'CLOS'],
  [Op.sync, 'SYNC'],
  [Op.check, 'CHEC'],
  [Op.exists, 'EXIS'],
  [Op.getData, 'GETD'],
  [Op.setWatches, 'SETW'],
  [Op.setWatches2, 'STW2'],
  [Op.addWatch, 'ADDW'],
  [Op.getACL, 'GETA'],
  [Op.getChildren, 'GETC'],
  [Op.getChildren2, 'GETC'],
  [Op.getAllChildrenNumber, 'GETACN'],
  [Op.checkWatches, 'CHKW'],
  [Op.removeWatches, 'REMW'],
  [Op.whoAmI, 'HOMI'],
  [Op.getEphemerals, 'GETE'],
]);

/** What `cons` calls the last operation of a connection. */
export function operationTag(opcode: number): string {
  return TAGS.get(opcode) ?? 'NA';
}
