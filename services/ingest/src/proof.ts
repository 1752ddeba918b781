import type { WebhookSource } from '@waybill/tenant';
import type { WebhookRequest } from './adapters/http-server.ts';
import type { Refusal } from './core/answer.ts';

/** Signed bytes that must not come again under another key. */
export interface SignedBytes {
  /** Hex; the same for the same bytes, whoever signed them and however often. */
  readonly sha256: string;
  /** From when on they are refused by their age anyway; ms since epoch. */
  readonly endsTime: number;
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
  readonly signed: SignedBytes | undefined;
}

/** Checks what a request shows against what its source demands. One per kind of scheme. Never rejects. */
export type ProofCheck = (
  request: WebhookRequest,
  source: WebhookSource,
  receivedTime: number,
) => Promise<Proof | Refusal>;

/** Something of ours is missing: the sender may be genuine and should repeat. */
export function unavailable(reason: string): Refusal {
  return { kind: 'refused', code: 'UNAVAILABLE', reason };
}
