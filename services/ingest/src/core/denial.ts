import type { Refusal } from './answer.ts';

/**
 * Why a request is not authenticated, with what it means for those who may know: operators, the audit
 * and `waybill webhook doctor`. The sender gets none of it.
 */
export const denialReasons = {
  source_unknown: 'no applied tenant file has this source',
  address_not_allowed: 'the address of the sender is not in the allowlist of the source',
  certificate_missing: 'the source demands a client certificate, and none came',
  certificate_wrong: 'the client certificate is not one that the source demands',
  secret_missing: 'the source has no secret, so nothing can be right',
  signature_missing: 'a header of the dialect is missing',
  signature_malformed: 'a header of the dialect is not of its form',
  signature_wrong: 'none of the valid secrets makes one of the signatures over these bytes',
  too_old: 'the signature is right, its time is further back than the tolerance',
  in_future: 'the signature is right, its time is further ahead than the tolerance',
  replayed: 'these signed bytes came before with another Idempotency-Key',
  path_secret_missing: 'the source does not sign, and the path has no secret',
  path_secret_wrong: 'the secret in the path is none of the valid ones',
  token_missing: 'there is no Authorization header with a bearer token',
  token_malformed: 'the bearer token is no signed JWT',
  token_algorithm_refused: 'the token is signed in a way that the source does not allow',
  token_key_unknown: 'the issuer publishes no key of the id that the token names',
  token_signature_wrong: 'the signature of the token is wrong',
  token_type_wrong: 'the token is of another type than the source demands',
  token_issuer_wrong: 'the token comes from another issuer',
  token_audience_wrong: 'the token is meant for another audience',
  token_expired: 'the token has expired, or is older than the source allows',
  token_not_yet_valid: 'the token is valid only later',
  token_claim_missing: 'the token lacks a claim that is demanded',
  client_unknown: 'the token end point knows no such client',
  client_secret_wrong: 'the secret of the client is none of the valid ones',
} as const;

export type DenialReason = keyof typeof denialReasons;

/** A bare 401; `detail` holds facts for the audit, never a secret. */
export function denied(reason: DenialReason, detail?: string): Refusal {
  const refusal = { kind: 'refused', code: 'UNAUTHENTICATED', reason } as const;
  return detail === undefined ? refusal : { ...refusal, detail };
}
