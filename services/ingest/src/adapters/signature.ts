import { randomBytes } from 'node:crypto';
import {
  dialects,
  signedSha256,
  verify,
  type Dialect,
  type KeyedKey,
  type Stamp,
} from '@waybill/signatures';
import type { WebhookSource } from '@waybill/tenant';
import type { Refusal } from '../core/answer.ts';
import { denied } from '../core/denial.ts';
import type { Logger } from '../ports.ts';
import { unavailable, type Proof, type ProofCheck } from '../proof.ts';
import type { WebhookRequest } from './http-server.ts';
import type { KeyedSecret, ReadSourceSecrets, SourceSecrets } from './source-secrets.ts';

interface Keys {
  readonly keys: readonly KeyedKey[];
  /** Secrets that cannot be one of the dialect. */
  readonly unusable: number;
}

/** Senders of ours give an Idempotency-Key; of others we make one. */
const OWN_DIALECT = 'waybill-hmac';

/**
 * Signed requests. When no readable secret fits and one cannot be read or used, the answer is
 * UNAVAILABLE: a genuine sender must repeat instead of giving up.
 */
export function signatureCheck(ports: {
  readonly secretsOf: ReadSourceSecrets;
  readonly logger: Logger;
}): ProofCheck {
  const known = new WeakMap<readonly KeyedSecret[], Keys>();
  const keysOf = (secrets: readonly KeyedSecret[], dialect: Dialect): Keys => {
    let keys = known.get(secrets);
    if (keys === undefined) {
      keys = decode(secrets, dialect, ports.logger);
      known.set(secrets, keys);
    }
    return keys;
  };
  const checkWith = (
    { secrets, unreadable }: SourceSecrets,
    dialect: Dialect,
    [request, source, receivedTime]: Parameters<ProofCheck>,
  ): Proof | Refusal => {
    const { keys, unusable } = keysOf(secrets, dialect);
    const clock = { nowMs: receivedTime, toleranceS: source.tolerance_s };
    const verdict = verify(dialect, request, keys.length > 0 ? keys : [decoy], clock);
    if (verdict.kind === 'invalid') {
      if (verdict.reason !== 'signature_wrong') return denied(verdict.reason, verdict.detail);
      if (unreadable + unusable > 0) return unavailable('secret_unreadable');
      return keys.length === 0
        ? denied('secret_missing')
        : denied('signature_wrong', verdict.detail);
    }
    // The decoy's secret is known to nobody.
    return proofOf(dialect, verdict, request);
  };
  return (...asked) => {
    const [, source] = asked;
    const dialect = dialectOf(source);
    if (dialect === undefined) return unavailable('scheme_unknown');
    const secrets = ports.secretsOf(source);
    return secrets instanceof Promise
      ? secrets.then((read) => checkWith(read, dialect, asked))
      : checkWith(secrets, dialect, asked);
  };
}

function dialectOf({ scheme }: WebhookSource): Dialect | undefined {
  return Object.hasOwn(dialects, scheme) ? dialects[scheme as keyof typeof dialects] : undefined;
}

function decode(secrets: readonly KeyedSecret[], dialect: Dialect, logger: Logger): Keys {
  const keys: KeyedKey[] = [];
  for (const { keyId, secret } of secrets) {
    const key = dialect.key(secret);
    if (key === undefined) {
      const expected = `a secret of the dialect ${dialect.name}`;
      logger.error({ key_id: keyId, expected }, 'secret.unusable');
    } else keys.push({ keyId, key });
  }
  return { keys, unusable: secrets.length - keys.length };
}

function proofOf(
  dialect: Dialect,
  verdict: { readonly keyId: string; readonly stamp: Stamp },
  { body }: WebhookRequest,
): Proof {
  const { keyId, stamp } = verdict;
  if (dialect.name !== OWN_DIALECT) {
    // What is signed and names the message: its id, or else the body itself.
    const derivedKey = stamp.id ?? signedSha256(dialect, withoutTime(dialect, stamp), body);
    return { kind: 'proof', verdict: 'VERIFIED', keyId, derivedKey, stamp: undefined };
  }
  return {
    kind: 'proof',
    verdict: 'VERIFIED',
    keyId,
    derivedKey: undefined,
    stamp: { text: stamp.t ?? '', signedTime: Number(stamp.t) * 1000 },
  };
}

/** A vendor that repeats a request signs it anew: the time must not make another key of it. */
function withoutTime(dialect: Dialect, stamp: Stamp): Stamp {
  return dialect.stamp.includes('t') ? { ...stamp, t: '' } : stamp;
}

/** Takes the place of missing secrets, so that the refusal takes as long. */
const decoy = decoyKey();

function decoyKey(): KeyedKey {
  const key = dialects[OWN_DIALECT].key(randomBytes(32).toString('hex'));
  if (key === undefined) throw new TypeError('a text of 64 digits is a secret');
  return { keyId: '', key };
}

/** As much work as a check with one secret, for requests that name no source. */
export function pretendCheck(request: Pick<WebhookRequest, 'headers' | 'body'>): void {
  verify(dialects[OWN_DIALECT], request, [decoy], { nowMs: 0, toleranceS: 0 });
}
