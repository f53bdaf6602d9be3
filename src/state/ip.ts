/** Addresses as bytes and CIDR blocks over them, for the ACL scheme `ip`. */

const V4_BYTES = 4;
const V6_BYTES = 16;
const V6_GROUPS = 8;

/** `address` or `address/bits`, with as many bits as the family has at most. */
export function isCidr(text: string): boolean {
  return parseCidr(text) !== null;
}

/** True if `address` lies in the block `cidr` and is of its family. */
export function inCidr(cidr: string, address: string): boolean {
  const block = parseCidr(cidr);
  // A zone names the interface that the connection came by; it is no part of the address.
  const own = parseAddress(address.split('%', 1)[0] as string);
  if (block === null || own === null || own.length !== block.bytes.length) return false;
  let bits = block.bits;
  for (let i = 0; bits > 0; i++, bits -= 8) {
    const mask = bits >= 8 ? 0xff : (0xff << (8 - bits)) & 0xff;
    if ((((own[i] as number) ^ (block.bytes[i] as number)) & mask) !== 0) return false;
  }
  return true;
}

function parseCidr(text: string): { bytes: readonly number[]; bits: number } | null {
  const slash = text.indexOf('/');
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (bytes === null) return null;
  const bits = slash < 0 ? bytes.length * 8 : parseNumber(text.slice(slash + 1), 3);
  return bits < 0 || bits > bytes.length * 8 ? null : { bytes, bits };
}

/** The 4 or 16 bytes of a textual address, or null. A mapped v4 address counts as v4. */
export function parseAddress(text: string): readonly number[] | null {
  if (!text.includes(':')) return parseV4(text);
  const bytes = parseV6(text);
  if (bytes === null) return null;
  const mapped =
    bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.slice(V6_BYTES - V4_BYTES) : bytes;
}

function parseV4(text: string): number[] | null {
  const parts = text.split('.', V4_BYTES + 1).map((part) => parseNumber(part, 3));
  const valid = parts.length === V4_BYTES && parts.every((part) => part >= 0 && part <= 255);
  return valid ? parts : null;
}

function parseV6(text: string): number[] | null {
  const halves = text.split('::', 3);
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] as string, halves.length === 1);
  const tail = parseGroups(halves[1] ?? '', true);
  if (head === null || tail === null) return null;
  const missing = V6_BYTES - head.length - tail.length;
  // `::` stands for at least one group of zeros.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Groups of hex digits; where `last` is true the final one may be a dotted v4 address. */
function parseGroups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const groups = text.split(':', V6_GROUPS + 1);
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    if (last && i === groups.length - 1 && group.includes('.')) {
      const v4 = parseV4(group);
      if (v4 === null) return null;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

function parseNumber(text: string, digitsMax: number): number {
  return text.length <= digitsMax && /^[0-9]+$/.test(text) ? Number(text) : -1;
}
