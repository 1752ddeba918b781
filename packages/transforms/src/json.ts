import type { Violation } from '@waybill/contracts';

/** Narrows parsed JSON to an object (not an array, not null). */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a found value is shown in a violation: its JSON, at most 60 characters. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A violation in the words of all adapters. */
export function violation(path: string, expected: string, found: unknown): Violation {
  return { path, message: `expected ${expected}, found ${shown(found)}` };
}

/** JSON text of bytes, or undefined when it is none. */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return undefined;
  }
}
