/** A control request that cannot be carried out; the message says what is wrong. */
export class ControlError extends Error {}

export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object of fields. */
export function asFields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ControlError('expected an object');
  }
  return value as Fields;
}

export function optionalNumber(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw new ControlError(`${name} must be a number`);
  return value;
}

/** A whole number from 0 on. */
export function optionalCount(fields: Fields, name: string): number | undefined {
  const value = optionalNumber(fields, name);
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw new ControlError(`${name} must be a whole number from 0 on, found ${value}`);
}

/** Throws for fields that the order does not have: typos must not become defaults. */
export function checkFields(fields: Fields, known: readonly string[]): void {
  const unknown = Object.keys(fields).filter((name) => name !== 'kind' && !known.includes(name));
  if (unknown.length === 0) return;
  throw new ControlError(`unknown field ${unknown.join(', ')}; known are ${known.join(', ')}`);
}

export function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new ControlError(`${name} must be a text`);
  return value;
}

/** Throws when a field is missing. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new ControlError(`${name} is missing`);
  return value;
}
