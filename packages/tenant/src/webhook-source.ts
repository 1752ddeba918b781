import { dialectNames } from '@waybill/signatures';
import { z } from 'zod';
import { rateLimit } from './rate-limit.ts';
import { name, secretReference } from './reference.ts';

/** How the senders of a source prove who they are. */
export const webhookSchemes = [...dialectNames, 'unsigned', 'oauth2', 'oauth2-own'] as const;

/** Asymmetric only: a shared key at a foreign issuer would let any reader of it make tokens. */
const tokenAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
] as const;

/** Bearer tokens (OAuth2 client credentials) of a foreign issuer. */
const oauth2 = z.strictObject({
  /** As it stands in the claim `iss`. */
  issuer: z.string().min(1),
  /** As it stands in the claim `aud`. */
  audience: z.string().min(1),
  /** Where the issuer publishes its keys; https, or http on this machine. */
  jwks_uri: z.url(),
  /** Who of the issuer's clients may send: `client_id`, else `azp`, else `sub`. */
  clients: z.array(z.string().min(1)).min(1),
  /** Required in `scope`, `scp` or `roles`. */
  scope: z.string().optional(),
  algorithms: z.array(z.enum(tokenAlgorithms)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
  /** Header `typ`; at+jwt (RFC 9068) keeps identity tokens out, many issuers write JWT. */
  token_type: z.enum(['at+jwt', 'JWT']).default('at+jwt'),
  /** How far the issuer's clock may be off. */
  clock_tolerance_s: z.number().int().min(0).max(300).default(30),
  /** Older tokens are refused, whatever their `exp` says. */
  max_token_age_s: z.number().int().min(60).max(86_400).default(3600),
});

/** A push source: what a sender must show, and from where it may come. */
export const webhookSource = z.strictObject({
  source_id: name,
  kind: z.literal('webhook'),
  /**
   * A signature dialect; `unsigned` = the secret stands in the path; `oauth2` = tokens of a foreign
   * issuer; `oauth2-own` = tokens of our own end point for clients that know one of the secrets.
   */
  scheme: z.enum(webhookSchemes),
  /**
   * `waybill`: bodies are checked against our contracts, 422 for what breaks them. `vendor`: only that
   * they are JSON; what the transformer cannot read becomes a dead letter. Absent: `waybill` for
   * waybill-hmac, standard-webhooks and tokens, `vendor` for the other schemes.
   */
  format: z.enum(['waybill', 'vendor']).optional(),
  /** Valid secrets by key id; several during a rotation. Not for `oauth2`. */
  secrets: z.record(z.string(), secretReference).default({}),
  /** Greatest distance of the signed timestamp from now, both ways. */
  tolerance_s: z.number().int().min(1).max(3600).default(300),
  /** Addresses and networks (CIDR), v4 or v6, from which it may come. Absent: from everywhere. */
  allowlist: z.array(z.string()).min(1).max(256).optional(),
  /** SHA-256 fingerprints (hex, colons or not) of client certificates, one of which is demanded. */
  client_fingerprints: z
    .array(z.string().regex(/^(?:[0-9A-Fa-f]{2}:?){32}$/, 'expected 32 bytes in hexadecimal'))
    .min(1)
    .optional(),
  /** Subjects (`CN=…`) of client certificates of the configured authority, one of which is demanded. */
  client_subjects: z.array(z.string().min(1)).min(1).optional(),
  oauth2: oauth2.optional(),
  /** Of this source, per instance of ingest. Absent: no limit. */
  limit: rateLimit.optional(),
});

export type WebhookSource = z.infer<typeof webhookSource>;
export type TokenIssuer = z.infer<typeof oauth2>;
