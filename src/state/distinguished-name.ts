/**
 * Whether `text` reads as a distinguished name of RFC 2253: `CN=a,OU=b+UID=c,O="d, e"`. Names are
 * compared as text, so nothing is kept of the parse.
 */
export function isDistinguishedName(text: string): boolean {
  let at = 0;
  while (at < text.length) {
    const valueAt = afterType(text, at);
    const end = valueAt < 0 ? -1 : afterValue(text, valueAt);
    if (end < 0) return false;
    if (end === text.length) return true;
    at = end + 1;
  }
  return false;
}

const TYPE = /[ ]*(?:[A-Za-z][A-Za-z0-9-]*|(?:OID\.)?[0-9]+(?:\.[0-9]+)*)[ ]*=[ ]*/y;

/** The offset behind `type =`, or -1. */
function afterType(text: string, at: number): number {
  TYPE.lastIndex = at;
  return TYPE.test(text) ? TYPE.lastIndex : -1;
}

/** The offset of the separator that ends the value, or the text's end; -1 if malformed. */
function afterValue(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\\') {
      at++;
      if (at === text.length) return -1;
    } else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === ',' || character === '+' || character === ';')) return at;
    else if (!quoted && (character === '<' || character === '>')) return -1;
  }
  return quoted ? -1 : text.length;
}
