/** A key and its value, with the line where the key begins. */
export interface PropertyLine {
  readonly line: number;
  readonly key: string;
  readonly value: string;
}

export interface PropertiesError {
  readonly line: number;
  readonly message: string;
}

export interface ParsedProperties {
  readonly lines: readonly PropertyLine[];
  readonly errors: readonly PropertiesError[];
}

interface LogicalLine {
  readonly line: number;
  readonly text: string;
}

const BLANKS = ' \t\f';

/**
 * Java's properties syntax: `key=value`, `key: value` or `key value`; `#` and `!` begin comments;
 * a backslash escapes a character or joins the next line. Keys and values are trimmed, as
 * ZooKeeper trims them. The text is Unicode: where Java would take a UTF-8 path for Latin-1 and
 * create a directory of another name, the path is taken as it looks.
 */
export function parseProperties(text: string): ParsedProperties {
  const lines: PropertyLine[] = [];
  const errors: PropertiesError[] = [];
  for (const { line, text: content } of logicalLines(text)) {
    const keyEnd = endOfKey(content);
    const key = unescapeText(content.slice(0, keyEnd));
    const value = unescapeText(content.slice(startOfValue(content, keyEnd)));
    if (key === null || value === null) {
      errors.push({ line, message: 'a \\u must be followed by four hexadecimal digits' });
    } else {
      lines.push({ line, key: key.trim(), value: value.trim() });
    }
  }
  return { lines, errors };
}

/** Drops comments and blank lines, and joins what a backslash at the end continues. */
function logicalLines(text: string): LogicalLine[] {
  const natural = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const result: LogicalLine[] = [];
  for (let i = 0; i < natural.length; i++) {
    const line = i + 1;
    let content = withoutIndent(natural[i] ?? '');
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue;
    while (isContinued(content)) {
      content = content.slice(0, -1);
      if (i + 1 === natural.length) break;
      i += 1;
      content += withoutIndent(natural[i] ?? '');
    }
    result.push({ line, text: content });
  }
  return result;
}

function withoutIndent(line: string): string {
  let at = 0;
  while (at < line.length && BLANKS.includes(line.charAt(at))) at += 1;
  return line.slice(at);
}

/** An even number of backslashes at the end are escaped backslashes, and no continuation. */
function isContinued(line: string): boolean {
  let backslashes = 0;
  while (line.charAt(line.length - 1 - backslashes) === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

function endOfKey(line: string): number {
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '=' || char === ':' || BLANKS.includes(char)) return at;
  }
  return line.length;
}

/** One `=` or `:` separates, with blanks on both sides; a second one belongs to the value. */
function startOfValue(line: string, keyEnd: number): number {
  let at = keyEnd;
  while (at < line.length && BLANKS.includes(line.charAt(at))) at += 1;
  if (line.charAt(at) === '=' || line.charAt(at) === ':') at += 1;
  while (at < line.length && BLANKS.includes(line.charAt(at))) at += 1;
  return at;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
]);

/** Null when a Unicode escape is broken. */
function unescapeText(text: string): string | null {
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char !== '\\') {
      result += char;
      continue;
    }
    at += 1;
    const escaped = text.charAt(at);
    if (escaped !== 'u') {
      result += ESCAPES.get(escaped) ?? escaped;
      continue;
    }
    const digits = text.slice(at + 1, at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return null;
    result += String.fromCharCode(Number.parseInt(digits, 16));
    at += 4;
  }
  return result;
}
