import { Fault } from '@waybill/fault';
import { createLocalJWKSet, errors, type JWTVerifyGetKey, type LocalJWKSet } from 'jose';
import type { Logger } from '../ports.ts';

/** Asked for again at the next token after that. */
const FRESH_MS = 600_000;
/** While the issuer is away, its last keys work so long. */
const STALE_MS = 3_600_000;
/** Between two requests to an issuer, whatever senders do: a made-up key id must not become a flood. */
const COOLDOWN_MS = 30_000;
/** The same while we have no keys at all: a genuine sender waits for us. */
const RETRY_MS = 1000;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 256 * 1024;

interface Known {
  readonly keys: LocalJWKSet;
  readonly fetchedTime: number;
}

export interface IssuerKeysPorts {
  readonly fetch: typeof fetch;
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * The public keys of an issuer (JWKS).
 *
 * none → fresh (10 min) → stale (up to 1 h, asked for again at each token, at most every 30 s) → none. A
 * key id that is not among them is asked for once per 30 s, so rotation works at once. Rejects with
 * Fault `transient` / `ISSUER_UNREACHABLE` when there are no keys to decide with, with a JOSE error when
 * there is no such key. Keys come from the configured address only, never from one that a token names.
 */
export function issuerKeys(address: string, ports: IssuerKeysPorts): JWTVerifyGetKey {
  let known: Known | undefined;
  let attemptTime = Number.NEGATIVE_INFINITY;
  let attempt: Promise<void> | undefined;

  const refresh = (cooldownMs: number): Promise<void> => {
    if (attempt !== undefined) return attempt;
    const now = ports.now();
    if (now - attemptTime < cooldownMs) return Promise.resolve();
    attemptTime = now;
    attempt = fetchKeys(address, ports)
      .then(
        (keys) => {
          known = { keys, fetchedTime: now };
        },
        (error: unknown) => {
          ports.logger.warn({ address, err: error }, 'issuer.unreachable');
        },
      )
      .finally(() => {
        attempt = undefined;
      });
    return attempt;
  };

  return async (header, token) => {
    const age = known === undefined ? Number.POSITIVE_INFINITY : ports.now() - known.fetchedTime;
    if (age > STALE_MS) await refresh(RETRY_MS);
    // Known keys need not wait for newer ones.
    else if (age > FRESH_MS) void refresh(COOLDOWN_MS);
    const usable = usableKeys();
    try {
      return await usable.keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await refresh(COOLDOWN_MS);
      const newer = usableKeys();
      if (newer === usable) throw error;
      return newer.keys(header, token);
    }
  };

  function usableKeys(): Known {
    if (known !== undefined && ports.now() - known.fetchedTime <= STALE_MS) return known;
    throw new Fault(`the issuer's keys at ${address} cannot be had; is it up and reachable?`, {
      kind: 'transient',
      code: 'ISSUER_UNREACHABLE',
      stage: 'decide',
      category: 'authentication',
    });
  }
}

async function fetchKeys(address: string, ports: IssuerKeysPorts): Promise<LocalJWKSet> {
  const response = await ports.fetch(address, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  // createLocalJWKSet refuses what is no key set.
  return createLocalJWKSet(JSON.parse(await readText(response)));
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`answered more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
