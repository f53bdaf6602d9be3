import { utf8Encode } from '../../src/base/utf8.ts';
import { Op } from '../../src/protocol/constants.ts';
import type { Random } from './random.ts';
import type { Made } from './requests.ts';
import { OPEN_ACL } from './vocabulary.ts';

/** Requests that set, read and remove quotas below one root. */

// An empty value, as in `bytes=,count=3`, makes 3.9.5 fail every write below with an exception.
const HARD_LIMITS = [
  'count=3,bytes=20=;byteHardLimit=40;countHardLimit=4',
  'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2',
  'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1',
  'countHardLimit=3',
];
const LIMITS = [...HARD_LIMITS, 'count=5,bytes=-1', 'count=1000,bytes=100000'];

export function quotaOps(random: Random, root: string): Made {
  const node = random.pick([root, `${root}/a`, `${root}/a`, `${root}/a/b`]);
  const place = `/zookeeper/quota${node}`;
  const path = random.pick([place, `${place}/zookeeper_limits`, `${place}/zookeeper_stats`]);
  const data = utf8Encode(random.pick(LIMITS));
  switch (
    random.weighted([
      [12, 'create'],
      [4, 'get'],
      [2, 'set'],
      [1, 'delete'],
    ] as const)
  ) {
    case 'create':
      return creation(path, data);
    case 'get':
      return { type: Op.getData, body: { path, watch: false } };
    case 'set':
      return { type: Op.setData, body: { path: `${place}/zookeeper_limits`, data, version: -1 } };
    default:
      return { type: Op.delete, body: { path, version: -1 } };
  }
}

/** A node with a quota on it, and what that needs. */
export function quotaStart(random: Random, root: string): Made[] {
  const place = `/zookeeper/quota${root}`;
  const limits = utf8Encode(random.pick(HARD_LIMITS));
  return [
    creation(`${root}/a`, null),
    creation(place, null),
    creation(`${place}/a`, null),
    creation(`${place}/a/zookeeper_limits`, limits),
    creation(`${place}/a/zookeeper_stats`, limits),
  ];
}

export function creation(path: string, data: Uint8Array | null): Made {
  return { type: Op.create2, body: { path, data, acl: OPEN_ACL, flags: 0 } };
}
