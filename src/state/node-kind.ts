/** What a znode's stored owner says it is (protocol document 7.1). */
export const NodeKind = { persistent: 0, ephemeral: 1, container: 2, ttl: 3 } as const;

/** The high half of 0x8000000000000000; the low half is 0. */
export const CONTAINER_HIGH = -2_147_483_648;
export const TTL_MS_MAX = 0xff_ffff_ffff;

const TTL_HIGH = 0xff00_0000 | 0;
const TTL_TOP_BYTE = 0xff;
const TWO_32 = 4_294_967_296;

/** No session has an id of the top byte 0xFF, so that a TTL can always be told from one. */
export function kindOf(ownerHigh: number, ownerLow: number): number {
  if (ownerHigh === 0 && ownerLow === 0) return NodeKind.persistent;
  if (ownerHigh === CONTAINER_HIGH && ownerLow === 0) return NodeKind.container;
  return ownerHigh >>> 24 === TTL_TOP_BYTE ? NodeKind.ttl : NodeKind.ephemeral;
}

export function ttlOwnerHigh(ttlMs: number): number {
  return TTL_HIGH | Math.floor(ttlMs / TWO_32);
}

export function ttlOwnerLow(ttlMs: number): number {
  return ttlMs | 0;
}

export function ttlMsOf(ownerHigh: number, ownerLow: number): number {
  return (ownerHigh & 0xff) * TWO_32 + (ownerLow >>> 0);
}
