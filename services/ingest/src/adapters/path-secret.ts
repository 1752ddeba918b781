import { hash } from 'node:crypto';
import { denied } from '../core/denial.ts';
import type { Logger } from '../ports.ts';
import { unavailable, type ProofCheck } from '../proof.ts';
import { matchingSecret } from './matching-secret.ts';
import type { KeyedSecret, ReadSourceSecrets } from './source-secrets.ts';

/** Shorter ones could be guessed. */
const MIN_BITS = 128;

/**
 * Senders that cannot sign: the last segment of the path is one of the secrets. The body proves nothing,
 * so the verdict is UNSIGNED, and repeats are known by the body.
 */
export function pathSecretCheck(ports: {
  readonly secretsOf: ReadSourceSecrets;
  readonly logger: Logger;
}): ProofCheck {
  // By the object that holds for the secrets' age: a weak one is reported once per reading.
  const known = new WeakMap<readonly KeyedSecret[], readonly KeyedSecret[]>();
  const usableOf = (secrets: readonly KeyedSecret[]): readonly KeyedSecret[] => {
    let usable = known.get(secrets);
    if (usable === undefined) {
      usable = strongOnes(secrets, ports.logger);
      known.set(secrets, usable);
    }
    return usable;
  };
  return async ({ pathSecret, body }, source) => {
    const { secrets, unreadable } = await ports.secretsOf(source);
    const usable = usableOf(secrets);
    if (pathSecret === undefined) return denied('path_secret_missing');
    const keyId = matchingSecret(pathSecret, usable);
    if (keyId === undefined) {
      if (unreadable > 0 || usable.length < secrets.length) return unavailable('secret_unreadable');
      return denied(secrets.length === 0 ? 'secret_missing' : 'path_secret_wrong');
    }
    const derivedKey = hash('sha256', body, 'hex');
    return { kind: 'proof', verdict: 'UNSIGNED', keyId, derivedKey, stamp: undefined };
  };
}

function strongOnes(secrets: readonly KeyedSecret[], logger: Logger): readonly KeyedSecret[] {
  return secrets.filter(({ keyId, secret }) => {
    const isStrong = bitsOf(secret) >= MIN_BITS;
    const expected = `at least ${MIN_BITS} bits in letters, digits, - and _`;
    if (!isStrong) logger.error({ key_id: keyId, expected }, 'secret.unusable');
    return isStrong;
  });
}

/** Most bits that a text of this alphabet and length can hold; 0 when it cannot stand in a path. */
function bitsOf(secret: string): number {
  if (/^[0-9a-f]+$/i.test(secret)) return secret.length * 4;
  return /^[A-Za-z0-9_-]+$/.test(secret) ? secret.length * 6 : 0;
}
