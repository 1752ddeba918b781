import type { Violation } from '@waybill/contracts';
import { jsonSpans, type JsonSpan } from '@waybill/domain';
import { DIGITS_KEPT, limits } from './body-limits.ts';

/**
 * Every place of a JSON text that JSON.parse takes and we do not, by path: repeated member names, numbers
 * that a double cannot hold, texts with NUL or half a surrogate pair, texts that are too long. Looks at
 * text and value together, so it is slow; called only when the scan has seen something.
 */
export function explainJson(text: string, value: unknown): readonly Violation[] {
  const found: Violation[] = [];
  explain(text, { key: undefined, start: 0, end: text.length }, { value, path: '' }, found);
  return found;
}

interface Place {
  readonly value: unknown;
  readonly path: string;
}

function explain(text: string, span: JsonSpan, { value, path }: Place, found: Violation[]): void {
  if (found.length >= limits.violations) return;
  if (typeof value === 'string') {
    const problem = textProblem(value);
    if (problem !== undefined) found.push({ path, message: problem });
  } else if (typeof value === 'number') {
    const problem = numberProblem(text.slice(span.start, span.end).trim());
    if (problem !== undefined) found.push({ path, message: problem });
  } else if (Array.isArray(value)) {
    const elements: readonly unknown[] = value;
    for (const [index, inner] of jsonSpans(text, span.start).entries()) {
      explain(text, inner, { value: elements[index], path: join(path, String(index)) }, found);
    }
  } else if (typeof value === 'object' && value !== null) {
    explainMembers(text, span, { value, path }, found);
  }
}

function explainMembers(
  text: string,
  span: JsonSpan,
  { value, path }: Place,
  found: Violation[],
): void {
  const members = new Map(Object.entries(value as object));
  const seen = new Set<string>();
  for (const inner of jsonSpans(text, span.start)) {
    // The text has passed JSON.parse, so what stands between a name's quotes does too.
    const name = JSON.parse(`"${inner.key ?? ''}"`) as string;
    const where = join(path, name.slice(0, 64));
    const problem = textProblem(name);
    if (problem !== undefined) found.push({ path: where, message: `${problem} in the name` });
    if (seen.has(name)) {
      found.push({ path: where, message: 'expected every name once, found it again' });
      continue;
    }
    seen.add(name);
    explain(text, inner, { value: members.get(name), path: where }, found);
  }
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function textProblem(text: string): string | undefined {
  if (text.length > limits.textLength) {
    return `expected at most ${limits.textLength} characters, found ${text.length}`;
  }
  if (text.includes('\0')) return 'expected text without NUL, found one';
  return text.isWellFormed() ? undefined : 'expected whole characters, found half a surrogate pair';
}

/** Why a numeral changes its value when it becomes a double; undefined when it does not. */
export function numberProblem(numeral: string): string | undefined {
  const shown = numeral.length > 40 ? `${numeral.slice(0, 37)}...` : numeral;
  const value = Number(numeral);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `expected a whole number within ±(2^53 − 1), found ${shown}`;
  }
  if (!Number.isFinite(value)) return `expected a number that a double holds, found ${shown}`;
  const [mantissa = ''] = numeral.split(/[eE]/);
  const digits = mantissa.replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '');
  if (digits !== '' && value === 0) return `expected a number that a double holds, found ${shown}`;
  return digits.length > DIGITS_KEPT
    ? `expected at most ${DIGITS_KEPT} significant digits, found ${shown}`
    : undefined;
}
