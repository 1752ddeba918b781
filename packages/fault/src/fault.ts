/** The closed set of failure kinds; what happens for each is design section 7. */
export type FaultKind =
  'transient' | 'refused' | 'malformed' | 'unmapped' | 'misconfigured' | 'cancelled' | 'bug';

/** Where in the unit of work the fault was born. */
export type FaultStage = 'start' | 'decode' | 'decide' | 'deliver' | 'publish' | 'commit';

/** The four categories that dashboards report (R25). */
export type FaultCategory = 'authentication' | 'validation' | 'transformation' | 'network';

export interface FaultOptions {
  readonly kind: FaultKind;
  /** SCREAMING_SNAKE code, listed in the README of the service that raises it. */
  readonly code: string;
  readonly stage: FaultStage;
  /** Default: network for transient and cancelled, transformation for bug, else validation. */
  readonly category?: FaultCategory;
  /** The far end asked to wait this long, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

const brand = Symbol.for('waybill.fault');

function defaultCategory(kind: FaultKind): FaultCategory {
  switch (kind) {
    case 'transient':
    case 'cancelled':
      return 'network';
    case 'bug':
      return 'transformation';
    case 'refused':
    case 'malformed':
    case 'unmapped':
    case 'misconfigured':
      return 'validation';
  }
}

/**
 * The one error type. The message is one line: what was expected, what was found, where, what to do.
 * It never holds a secret: messages are logged and dead-lettered.
 */
export class Fault extends Error {
  readonly kind: FaultKind;
  readonly code: string;
  readonly stage: FaultStage;
  readonly category: FaultCategory;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: FaultOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.kind = options.kind;
    this.code = options.code;
    this.stage = options.stage;
    this.category = options.category ?? defaultCategory(options.kind);
    this.retryAfterMs = options.retryAfterMs;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for a Fault of any copy of this package. */
export function isFault(error: unknown): error is Fault {
  return typeof error === 'object' && error !== null && brand in error;
}

/** Total: turns anything thrown into a Fault. What nobody recognised is a bug. */
export function toFault(error: unknown, stage: FaultStage): Fault {
  if (isFault(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault(message, { kind: 'bug', code: 'UNEXPECTED', stage, cause: error });
}
