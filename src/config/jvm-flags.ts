/** What a variable such as JVMFLAGS says, as far as it can mean something without a JVM. */
export interface JvmFlags {
  readonly properties: readonly JvmProperty[];
  /** Flags that only a JVM understands: heap sizes, collectors, agents. */
  readonly ignored: readonly string[];
  /** What makes the text unreadable as a whole; null when it is fine. */
  readonly error: string | null;
}

export interface JvmProperty {
  readonly name: string;
  readonly value: string;
}

export function parseJvmFlags(text: string): JvmFlags {
  const words = splitWords(text);
  if (words === null) return { properties: [], ignored: [], error: 'a quote is not closed' };
  const properties: JvmProperty[] = [];
  const ignored: string[] = [];
  for (const word of words) {
    const property = parseDefine(word);
    if (property === null) ignored.push(word);
    else properties.push(property);
  }
  return { properties, ignored, error: null };
}

/** `-Dname=value`; a name alone is a property with an empty value, as for the JVM. */
function parseDefine(word: string): JvmProperty | null {
  return word.startsWith('-D') && word.length > 2 ? splitDefine(word.slice(2)) : null;
}

export function splitDefine(definition: string): JvmProperty {
  const equals = definition.indexOf('=');
  if (equals === -1) return { name: definition.trim(), value: '' };
  return {
    name: definition.slice(0, equals).trim(),
    value: definition.slice(equals + 1).trim(),
  };
}

/** Splits as a shell does, with quotes and backslashes but without expansions. */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === '' && /\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (char === '\\' && quote !== "'" && at + 1 < text.length) {
      at += 1;
      word = (word ?? '') + text.charAt(at);
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') return null;
  if (word !== null) words.push(word);
  return words;
}
