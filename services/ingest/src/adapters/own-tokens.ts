import { hash } from 'node:crypto';
import { Fault } from '@waybill/fault';
import type { WebhookSource } from '@waybill/tenant';
import { SignJWT, errors, jwtVerify, type JWTPayload } from 'jose';
import type { Refusal } from '../core/answer.ts';
import { denied } from '../core/denial.ts';
import type { SourceAddress } from '../core/source-address.ts';
import type { SecretStore } from '../ports.ts';
import { unavailable, type Proof, type ProofCheck } from '../proof.ts';
import { bearerToken, refusalOf, tokenProof } from './bearer-token.ts';
import { cached } from './cached.ts';
import type { ReadSourceSecrets } from './source-secrets.ts';

const ISSUER = 'waybill-ingest';
const TYPE = 'at+jwt';
const ALGORITHM = 'HS256';
/** Instances are ours, so their clocks differ little. */
const CLOCK_TOLERANCE_S = 5;
const MIN_KEY_CHARACTERS = 32;

interface SharedKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Tokens that our own end point issues, and every instance with the shared key accepts. */
export interface OwnTokens {
  /** A token for a client that showed the secret `keyId`. Rejects with a Fault when there is no key. */
  readonly issue: (client: SourceAddress, keyId: string) => Promise<string>;
  readonly check: ProofCheck;
  /** Life of a token, s. */
  readonly lifeS: number;
}

export interface OwnTokensOptions {
  /** Reference of the shared keys: one or two texts, separated by a space; the first signs. */
  readonly keyReference: string;
  readonly lifeS: number;
  readonly maxAgeMs: number;
}

/**
 * Short-lived tokens for set-ups without an issuer of their own. They are signed with a key that all
 * instances share and that is read again like any secret; during its rotation two are valid. A token
 * names the client's secret that it was issued for, and dies with it.
 */
export function ownTokens(
  ports: {
    readonly secrets: SecretStore;
    readonly secretsOf: ReadSourceSecrets;
    readonly now: () => number;
  },
  { keyReference, lifeS, maxAgeMs }: OwnTokensOptions,
): OwnTokens {
  const readKeys = cached(async () => parseKeys(await ports.secrets(keyReference)), {
    maxAgeMs,
    now: ports.now,
  });
  return {
    lifeS,
    issue: async (client, keyId) => {
      const [key] = await readKeys();
      const issued = Math.floor(ports.now() / 1000);
      return new SignJWT({ client_id: nameOf(client), key_id: keyId })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: key.id })
        .setIssuer(ISSUER)
        .setAudience(nameOf(client))
        .setSubject(nameOf(client))
        .setIssuedAt(issued)
        .setExpirationTime(issued + lifeS)
        .sign(key.bytes);
    },
    check: async ({ headers, path }, source, receivedTime) => {
      const token = bearerToken(headers['authorization']);
      if (token === undefined) return denied('token_missing');
      try {
        const keys = await readKeys();
        const { payload } = await jwtVerify(token, ({ kid }) => keyOf(keys, kid), {
          issuer: ISSUER,
          audience: path ?? headers['x-waybill-source'] ?? '',
          algorithms: [ALGORITHM],
          typ: TYPE,
          clockTolerance: CLOCK_TOLERANCE_S,
          maxTokenAge: lifeS,
          requiredClaims: ['exp', 'iat'],
          currentDate: new Date(receivedTime),
        });
        return proofOf(payload, source);
      } catch (error) {
        return isOurs(error) ? unavailable('token_key_unreadable') : refusalOf(error);
      }
    },
  };

  function proofOf(payload: JWTPayload, source: WebhookSource): Proof | Refusal {
    const keyId = payload['key_id'];
    const isKnown = typeof keyId === 'string' && Object.hasOwn(source.secrets, keyId);
    return isKnown ? tokenProof(keyId) : denied('token_expired', 'its client secret was removed');
  }
}

function nameOf({ tenantId, sourceId }: SourceAddress): string {
  return `${tenantId}/${sourceId}`;
}

function keyOf(keys: readonly SharedKey[], id: string | undefined): Uint8Array {
  const key = keys.find((candidate) => candidate.id === id);
  if (key === undefined) throw new errors.JWKSNoMatchingKey();
  return key.bytes;
}

/** The shared key could not be read, or is none. */
function isOurs(error: unknown): boolean {
  return !(error instanceof errors.JOSEError);
}

function parseKeys(text: string): readonly [SharedKey, ...SharedKey[]] {
  const [first, ...others] = text
    .split(/\s+/)
    .filter((part) => part !== '')
    .map(sharedKey);
  if (first === undefined) throw tooShort();
  return [first, ...others];
}

function sharedKey(text: string): SharedKey {
  if (text.length < MIN_KEY_CHARACTERS) throw tooShort();
  // The id tells keys apart and nothing about the key.
  const id = hash('sha256', `waybill token key ${text}`, 'hex').slice(0, 8);
  return { id, bytes: Buffer.from(text, 'utf8') };
}

function tooShort(): Fault {
  return new Fault(
    `INGEST_TOKEN_KEY: expected one or two keys of at least ${MIN_KEY_CHARACTERS} characters`,
    {
      kind: 'misconfigured',
      code: 'SECRET_MISSING',
      stage: 'decide',
      category: 'authentication',
    },
  );
}
