/** Where one element of an array, or the value of one member of an object, stands in a JSON text. */
export interface JsonSpan {
  /** Name of the member as written between its quotes; undefined in arrays. */
  readonly key: string | undefined;
  /** First character of the value. */
  readonly start: number;
  /** Character behind the value. */
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function isOpen(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

function isClose(code: number): boolean {
  return code === 0x7d || code === 0x5d;
}

function skipSpace(text: string, at: number): number {
  let i = at;
  while (isSpace(text.charCodeAt(i))) i += 1;
  return i;
}

function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i += 1;
    else if (code === QUOTE) return i + 1;
  }
  return text.length;
}

function endOfValue(text: string, at: number): number {
  let depth = 0;
  let i = at;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
      if (depth === 0) return i;
      continue;
    }
    if (isOpen(code)) {
      depth += 1;
    } else if (isClose(code)) {
      if (depth === 0) return i;
      depth -= 1;
      if (depth === 0) return i + 1;
    } else if (depth === 0 && (code === COMMA || isSpace(code))) {
      return i;
    }
    i += 1;
  }
  return text.length;
}

/**
 * Spans of the direct children of the array or object that begins at `at` (leading space is skipped);
 * empty for a scalar. `text` must already have passed JSON.parse: this finds borders, it checks nothing.
 * With it an answer is cut between its elements, and a refused element kept, without writing any number
 * or text anew: a round trip through JSON.parse would change numbers beyond 2^53.
 */
export function jsonSpans(text: string, at: number = 0): readonly JsonSpan[] {
  const spans: JsonSpan[] = [];
  const open = skipSpace(text, at);
  if (!isOpen(text.charCodeAt(open))) return spans;
  const isObject = text.charCodeAt(open) === 0x7b;
  let i = skipSpace(text, open + 1);
  while (i < text.length && !isClose(text.charCodeAt(i))) {
    let key: string | undefined;
    if (isObject) {
      const keyEnd = endOfString(text, i);
      key = text.slice(i + 1, keyEnd - 1);
      // Behind the key stand optional space, the colon, and optional space.
      i = skipSpace(text, skipSpace(text, keyEnd) + 1);
    }
    const end = endOfValue(text, i);
    spans.push({ key, start: i, end });
    i = skipSpace(text, end);
    if (text.charCodeAt(i) === COMMA) i = skipSpace(text, i + 1);
  }
  return spans;
}

/** Span of the member `key` of the object that begins at `at`; the last one when it is repeated, as JSON.parse does. */
export function jsonMember(text: string, key: string, at: number = 0): JsonSpan | undefined {
  return jsonSpans(text, at).findLast((span) => span.key === key);
}
