import type { WebhookSource } from '@waybill/tenant';
import type { WebhookRequest } from './adapters/http-server.ts';
import type { Refusal } from './core/answer.ts';

/** The time that is signed with a body: both together must not come again under another key. */
export interface SignedStamp {
  /** As signed. */
  readonly text: string;
  /** The same; ms since epoch. */
  readonly signedTime: number;
}

/** What a sender showed. */
export interface Proof {
  readonly kind: 'proof';
  /** What the raw record says. */
  readonly verdict: 'VERIFIED' | 'UNSIGNED';
  /** Which of the valid secrets matched; null where there is none. */
  readonly keyId: string | null;
  /**
   * Stands for the Idempotency-Key of senders that have none: made of what is signed, so that it cannot
   * be changed on the way. Undefined: the header is required.
   */
  readonly derivedKey: string | undefined;
  /** Undefined where nothing is signed, or where the key is derived from what is signed. */
  readonly stamp: SignedStamp | undefined;
}

/**
 * Checks what a request shows against what its source demands. One per kind of scheme. Never rejects; a
 * promise only where something has to be waited for.
 */
export type ProofCheck = (
  request: WebhookRequest,
  source: WebhookSource,
  receivedTime: number,
) => Proof | Refusal | Promise<Proof | Refusal>;

/** Something of ours is missing: the sender may be genuine and should repeat. */
export function unavailable(reason: string): Refusal {
  return { kind: 'refused', code: 'UNAVAILABLE', reason };
}
