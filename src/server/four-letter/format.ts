/** A 64-bit id as ZooKeeper prints it: hexadecimal, without leading zeros. */
export function sessionHex(high: number, low: number): string {
  const lower = (low >>> 0).toString(16);
  return high === 0 ? `0x${lower}` : `0x${(high >>> 0).toString(16)}${lower.padStart(8, '0')}`;
}

export function zxidHex(zxid: number): string {
  return zxid < 0 ? '0xffffffffffffffff' : `0x${zxid.toString(16)}`;
}

/** A double as Java prints it: `0.0`, `2.1403`; rounded to four places. */
export function decimal(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000;
  return Number.isInteger(rounded) ? `${rounded}.0` : `${rounded}`;
}

/** `/127.0.0.1:57892`, as Java prints a socket's address. */
export function addressText(address: string, port: number): string {
  return address.includes(':') ? `/[${address}]:${port}` : `/${address}:${port}`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Mon Nov 23 03:37:01 UTC 2026`. */
export function dateText(wallMs: number): string {
  const date = new Date(wallMs);
  const day = DAYS[date.getUTCDay()];
  const month = MONTHS[date.getUTCMonth()];
  const [dayOfMonth, time] = [date.toISOString().slice(8, 10), date.toISOString().slice(11, 19)];
  return `${day} ${month} ${dayOfMonth} ${time} UTC ${date.getUTCFullYear()}`;
}
