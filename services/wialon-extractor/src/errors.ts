import { errorCodes, Fault, type FaultCategory, type FaultStage } from '@waybill/fault';
import type { UnusableAnswer } from './ports.ts';

/** Codes that this service raises. */
export const codes = errorCodes({
  PROVIDER_UNREACHABLE: {
    kind: 'transient',
    meaning: 'No connection, or it was cut before the answer was complete.',
  },
  PROVIDER_TIMEOUT: { kind: 'transient', meaning: 'The provider did not answer in time.' },
  PROVIDER_GARBLED: {
    kind: 'transient',
    meaning:
      'An HTTP status other than 200, HTML, or JSON of another shape than the call answers with.',
  },
  PROVIDER_STUCK: {
    kind: 'transient',
    meaning: 'A call failed on every try; the account continues with a new session.',
  },
  SESSION_LOST: { kind: 'transient', meaning: 'The session expired; the account logs in again.' },
  LOGIN_REFUSED: {
    kind: 'misconfigured',
    meaning: 'The provider refused every token of the account.',
  },
  ACCESS_DENIED: {
    kind: 'misconfigured',
    meaning: 'The token lacks a right, or a proxy removes Accept-Encoding.',
  },
  STOPPED: { kind: 'cancelled', meaning: 'The account is no longer ours, or the process stops.' },
});

/** One of our codes. */
export type Code = keyof typeof codes;

const STAGE: FaultStage = 'decode';

/** A Fault of this service; the kind follows from the code. `message` never holds a token or session id. */
export function extractorFault(
  code: Code,
  message: string,
  options: { readonly cause?: unknown; readonly category?: FaultCategory } = {},
): Fault {
  return new Fault(message, { kind: codes[code].kind, code, stage: STAGE, ...options });
}

/** Beside the Faults and not in them: whoever logs a Fault must not log what a provider sent. */
const answers = new WeakMap<Error, UnusableAnswer>();

/** Keeps with a Fault the answer that it is about. */
export function withAnswer(fault: Fault, answer: UnusableAnswer): Fault {
  answers.set(fault, answer);
  return fault;
}

/** The answer that an error is about; undefined where nothing came. */
export function unusableAnswerOf(error: unknown): UnusableAnswer | undefined {
  return error instanceof Error ? answers.get(error) : undefined;
}
