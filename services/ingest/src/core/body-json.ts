import type { Violation } from '@waybill/contracts';
import { explainJson } from './body-explain.ts';
import { DIGITS_KEPT, limits } from './body-limits.ts';

/** The value of a body, or why it is not taken for JSON. */
export type ReadJson =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'malformed'; readonly violations: readonly Violation[] };

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const BYTE_ORDER_MARK = '\ufeff';

/** Escapes that may stand for NUL or half a surrogate pair; rare, so that a second look may cost. */
const SUSPECT_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function malformed(message: string): ReadJson {
  return { kind: 'malformed', violations: [{ path: '', message }] };
}

/**
 * Reads a body as JSON, strictly: UTF-8 without byte order mark, no repeated member names, no number that
 * a double cannot hold, no NUL or half surrogate pair in texts, and within the limits. JSON.parse decides
 * what JSON is; one scan before it bounds its memory and finds what it would swallow silently.
 */
export function readJson(body: Uint8Array): ReadJson {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    return malformed('expected UTF-8, found other bytes');
  }
  if (text.startsWith(BYTE_ORDER_MARK)) {
    return malformed('expected JSON, found a byte order mark before it');
  }
  const scan = scanText(text);
  if (scan.depth > limits.depth) {
    return malformed(`expected at most ${limits.depth} levels, found more`);
  }
  if (scan.values > limits.values) {
    return malformed(`expected at most ${limits.values} values, found more`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1];
    return malformed(
      position === undefined
        ? 'expected JSON, found other text'
        : `expected JSON, found other text at character ${position}`,
    );
  }
  if (scan.suspect || countMembers(value) !== scan.members) {
    const violations = explainJson(text, value);
    if (violations.length > 0) return { kind: 'malformed', violations };
  }
  return { kind: 'json', value };
}

interface Scan {
  depth: number;
  /** Member names: each is followed by a colon. */
  members: number;
  values: number;
  /** Something that needs a second look with the value at hand. */
  suspect: boolean;
}

/** One pass over the text. Right for JSON; for anything else only bounded, as JSON.parse refuses it. */
function scanText(text: string): Scan {
  const scan: Scan = { depth: 0, members: 0, values: 1, suspect: false };
  let escape = text.indexOf('\\');
  if (escape >= 0) scan.suspect = SUSPECT_ESCAPE.test(text);
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const start = i;
      i = text.indexOf('"', i + 1);
      while (escape >= 0 && escape < i) {
        // What follows a backslash is no end of the text, and no backslash of its own.
        if (escape + 1 === i) i = text.indexOf('"', i + 1);
        escape = text.indexOf('\\', escape + 2);
      }
      if (i < 0) return scan;
      if (i - start > limits.textLength) scan.suspect = true;
    } else if (code === COLON) {
      scan.members += 1;
    } else if (code === COMMA) {
      scan.values += 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      scan.values += 1;
      if (depth > scan.depth) scan.depth = depth;
      if (depth > limits.depth) return scan;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
    } else if (isNumeral(code)) {
      const start = i;
      while (isNumeral(text.charCodeAt(i + 1))) i += 1;
      if (i - start >= DIGITS_KEPT - 2 || hasExponent(text, i)) scan.suspect = true;
    }
  }
  return scan;
}

/** A character that a number begins with or goes on with, except of an exponent's letter. */
function isNumeral(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x2b;
}

/** Whether `e` or `E` follows the digits. */
function hasExponent(text: string, end: number): boolean {
  const next = text.charCodeAt(end + 1);
  return next === 0x65 || next === 0x45;
}

/** Members of all objects; fewer than there were names in the text when names were repeated. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) count += countMembers(element);
    return count;
  }
  for (const member of Object.values(value)) count += 1 + countMembers(member);
  return count;
}
