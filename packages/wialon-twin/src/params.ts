/** Codes of the Remote API that the twin answers with. */
export const errorCode = {
  invalidSession: 1,
  invalidService: 2,
  invalidInput: 4,
  performing: 5,
  unknown: 6,
  accessDenied: 7,
  badCredentials: 8,
  aborted: 10,
  limit: 1003,
  tooManyMessages: 1004,
  addressChanged: 1011,
} as const;

/** An error answer: HTTP 200 with a numeric `error` and, for some codes, a `reason`. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string | undefined;

  constructor(code: number, reason?: string) {
    super(`error ${code}`);
    this.code = code;
    this.reason = reason;
  }

  /** The answer's body. */
  body(): string {
    return JSON.stringify({ error: this.code, reason: this.reason });
  }
}

/** A JSON object of a request, values not yet looked at. */
export type Params = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Params =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value as an object; an empty array counts as one, because a common client sends it for "nothing". */
export function object(value: unknown): Params {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return {};
  if (!isObject(value)) throw new ApiError(errorCode.invalidInput);
  return value;
}

/** A whole number; numeric text is accepted and a missing value is 0, as clients drop zeros. */
export function integer(params: Params, name: string): number {
  const value = params[name];
  if (value === undefined || value === null) return 0;
  // Decimal only: hex is a text to the provider, too.
  const parsed = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof parsed !== 'number' || !Number.isInteger(parsed)) {
    throw new ApiError(errorCode.invalidInput);
  }
  return parsed;
}

/** Whether the parameter was given at all. */
export function has(params: Params, name: string): boolean {
  return params[name] !== undefined && params[name] !== null;
}

/** Text; numbers are written out, a missing value is empty. */
export function text(params: Params, name: string): string {
  const value = params[name];
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new ApiError(errorCode.invalidInput);
}

/** A list of numbers, given as an array, one number or a comma list; undefined when missing. */
export function numbers(params: Params, name: string): number[] | undefined {
  const value = params[name];
  if (value === undefined || value === null) return undefined;
  const list: readonly unknown[] = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? value.split(',')
      : [value];
  return list.map((element) => integer({ element }, 'element'));
}

/** Tests a data flag. Values beyond 2^53 have lost their low bits in JSON and mean "everything". */
export function hasFlag(flags: number, bit: number): boolean {
  return flags > Number.MAX_SAFE_INTEGER || Math.floor(flags / bit) % 2 === 1;
}
