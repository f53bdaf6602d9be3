import { Op } from './constants.ts';
import type { RecordName } from './records.ts';

/** `multi` stands for the framing of multi.ts; null for no body. */
export type Shape = RecordName | 'multi' | null;

export interface Operation {
  readonly name: string;
  readonly request: Shape;
  readonly reply: Shape;
}

function operation(name: string, request: Shape, reply: Shape): Operation {
  return { name, request, reply };
}

/** Every opcode that a client may send outside a multi, with the shapes of both directions. */
export const operations: ReadonlyMap<number, Operation> = new Map([
  [Op.create, operation('create', 'CreateRequest', 'CreateResponse')],
  [Op.delete, operation('delete', 'DeleteRequest', null)],
  [Op.exists, operation('exists', 'ExistsRequest', 'ExistsResponse')],
  [Op.getData, operation('getData', 'GetDataRequest', 'GetDataResponse')],
  [Op.setData, operation('setData', 'SetDataRequest', 'SetDataResponse')],
  [Op.getACL, operation('getACL', 'GetACLRequest', 'GetACLResponse')],
  [Op.setACL, operation('setACL', 'SetACLRequest', 'SetACLResponse')],
  [Op.getChildren, operation('getChildren', 'GetChildrenRequest', 'GetChildrenResponse')],
  [Op.sync, operation('sync', 'SyncRequest', 'SyncResponse')],
  [Op.ping, operation('ping', null, null)],
  [Op.getChildren2, operation('getChildren2', 'GetChildren2Request', 'GetChildren2Response')],
  [Op.multi, operation('multi', 'multi', 'multi')],
  [Op.create2, operation('create2', 'CreateRequest', 'Create2Response')],
  [Op.reconfig, operation('reconfig', 'ReconfigRequest', 'GetDataResponse')],
  [Op.checkWatches, operation('checkWatches', 'CheckWatchesRequest', null)],
  [Op.removeWatches, operation('removeWatches', 'RemoveWatchesRequest', null)],
  [Op.createContainer, operation('createContainer', 'CreateRequest', 'Create2Response')],
  [Op.createTTL, operation('createTTL', 'CreateTTLRequest', 'Create2Response')],
  [Op.multiRead, operation('multiRead', 'multi', 'multi')],
  [Op.auth, operation('auth', 'AuthPacket', null)],
  [Op.setWatches, operation('setWatches', 'SetWatches', null)],
  [Op.sasl, operation('sasl', 'GetSASLRequest', 'SetSASLResponse')],
  [Op.getEphemerals, operation('getEphemerals', 'GetEphemeralsRequest', 'GetEphemeralsResponse')],
  [
    Op.getAllChildrenNumber,
    operation(
      'getAllChildrenNumber',
      'GetAllChildrenNumberRequest',
      'GetAllChildrenNumberResponse',
    ),
  ],
  [Op.setWatches2, operation('setWatches2', 'SetWatches2', null)],
  [Op.addWatch, operation('addWatch', 'AddWatchRequest', 'ErrorResponse')],
  [Op.whoAmI, operation('whoAmI', null, 'WhoAmIResponse')],
  [Op.closeSession, operation('closeSession', null, null)],
]);
