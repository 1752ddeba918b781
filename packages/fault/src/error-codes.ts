import type { FaultKind } from './fault.ts';

/** One error code of a service: its kind and one sentence for its README. */
export interface ErrorCode {
  readonly kind: FaultKind;
  readonly meaning: string;
}

/** Declares a service's codes in one place; the README test compares against it. */
export function errorCodes<const T extends Record<string, ErrorCode>>(codes: T): T {
  return Object.freeze(codes);
}
