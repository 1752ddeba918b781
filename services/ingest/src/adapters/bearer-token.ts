import { isFault } from '@waybill/fault';
import type { TokenIssuer, WebhookSource } from '@waybill/tenant';
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Refusal } from '../core/answer.ts';
import { denied, type DenialReason } from '../core/denial.ts';
import { unavailable, type Proof, type ProofCheck } from '../proof.ts';
import { issuerKeys, type IssuerKeysPorts } from './issuer-keys.ts';

/** The token of `Authorization: Bearer <token>`. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '')?.[1];
}

/** Who is named by a valid token but may not use the source. */
function forbidden(detail: string): Refusal {
  return { kind: 'refused', code: 'FORBIDDEN', reason: 'token_not_allowed', detail };
}

/** Nothing in the body is signed: the Idempotency-Key is required. */
export function tokenProof(keyId: string): Proof {
  return {
    kind: 'proof',
    verdict: 'VERIFIED',
    keyId,
    derivedKey: undefined,
    stamp: undefined,
  };
}

/** Bearer tokens (JWT) of foreign issuers, OAuth2 client credentials; `key_id` becomes the client's id. */
export function foreignTokenCheck(ports: IssuerKeysPorts): ProofCheck {
  // By address: several sources may share an issuer, and its keys.
  const known = new Map<string, JWTVerifyGetKey>();
  const keysAt = (address: string): JWTVerifyGetKey => {
    const keys = known.get(address) ?? issuerKeys(address, ports);
    known.set(address, keys);
    return keys;
  };
  return async ({ headers }, { oauth2 }: WebhookSource, receivedTime) => {
    if (oauth2 === undefined) return unavailable('issuer_missing');
    const token = bearerToken(headers['authorization']);
    if (token === undefined) return denied('token_missing');
    try {
      const { payload } = await jwtVerify(token, keysAt(oauth2.jwks_uri), {
        issuer: oauth2.issuer,
        audience: oauth2.audience,
        algorithms: oauth2.algorithms,
        typ: oauth2.token_type,
        clockTolerance: oauth2.clock_tolerance_s,
        maxTokenAge: oauth2.max_token_age_s,
        requiredClaims: ['exp', 'iat'],
        currentDate: new Date(receivedTime),
      });
      return allowed(payload, oauth2);
    } catch (error) {
      return refusalOf(error);
    }
  };
}

function allowed(payload: JWTPayload, { clients, scope }: TokenIssuer): Proof | Refusal {
  const claims = [payload['client_id'], payload['azp'], payload.sub];
  const client = claims.find((claim) => typeof claim === 'string');
  if (client === undefined || !clients.includes(client)) {
    return forbidden('the client of the token is not one of the source');
  }
  if (scope !== undefined && !scopesOf(payload).includes(scope)) {
    return forbidden('the token lacks the scope that the source demands');
  }
  return tokenProof(client);
}

/** `scope` is a text of words; `scp` and `roles` are that or a list, depending on the issuer. */
function scopesOf(payload: JWTPayload): readonly string[] {
  return [payload['scope'], payload['scp'], payload['roles']].flatMap((claim) => {
    if (typeof claim === 'string') return claim.split(' ');
    return Array.isArray(claim) ? claim.filter((entry) => typeof entry === 'string') : [];
  });
}

const claimReasons: Readonly<Record<string, DenialReason>> = {
  iss: 'token_issuer_wrong',
  aud: 'token_audience_wrong',
  typ: 'token_type_wrong',
  nbf: 'token_not_yet_valid',
  // `iat` in the future, or too long ago.
  iat: 'token_not_yet_valid',
};

/** What a failed check means. A failure of ours or of the issuer is no denial. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return denied('token_expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === 'missing') return denied('token_claim_missing', claim);
    return denied(claimReasons[claim] ?? 'token_claim_missing', claim);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return denied('token_algorithm_refused');
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return denied('token_signature_wrong');
  if (error instanceof errors.JWKSNoMatchingKey) return denied('token_key_unknown');
  if (error instanceof errors.JOSEError) return denied('token_malformed', error.code);
  return unavailable(isFault(error) ? error.code.toLowerCase() : 'token_check_failed');
}
