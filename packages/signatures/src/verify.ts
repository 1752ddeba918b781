import { createHash, createHmac, timingSafeEqual, verify as verifyAsymmetric } from 'node:crypto';
import type { Dialect, Headers, Signature, Stamp } from './dialect.ts';
import type { Key } from './key.ts';

/** A key under its id. */
export interface KeyedKey {
  readonly keyId: string;
  readonly key: Key;
}

export interface SignedRequest {
  readonly headers: Headers;
  /** The bytes as they came. */
  readonly body: Uint8Array;
}

export interface Clock {
  /** ms since epoch. */
  readonly nowMs: number;
  /** Greatest distance of the signed time from now, both ways, s. */
  readonly toleranceS: number;
}

/** Why a signature is refused. */
export type SignatureReason =
  'signature_missing' | 'signature_malformed' | 'signature_wrong' | 'too_old' | 'in_future';

export type Verdict =
  | { readonly kind: 'valid'; readonly keyId: string; readonly stamp: Stamp }
  | {
      readonly kind: 'invalid';
      readonly reason: SignatureReason;
      /** For those who may know: which header, what was expected, how far the clock is off. */
      readonly detail: string;
    };

function invalid(reason: SignatureReason, detail: string): Verdict {
  return { kind: 'invalid', reason, detail };
}

/**
 * Checks a request: signature first, then time, so that an answer's duration does not tell a valid old
 * signature from a wrong one. Every key is tried with every signature, in constant time each.
 */
export function verify(
  dialect: Dialect,
  request: SignedRequest,
  keys: readonly KeyedKey[],
  clock: Clock,
): Verdict {
  const reading = dialect.read(request.headers);
  if (reading.kind === 'missing') return invalid('signature_missing', `no ${reading.header}`);
  if (reading.kind === 'malformed') {
    return invalid('signature_malformed', `${reading.header}: expected ${reading.expected}`);
  }
  const { stamp, signatures } = reading;
  const prefix = dialect.prefix(stamp);
  let match: string | undefined;
  for (const { keyId, key } of keys) {
    if (matches(key, signatures, prefix, request.body)) match ??= keyId;
  }
  if (match === undefined) {
    return invalid('signature_wrong', `no key of ${keys.length} made one of ${signatures.length}`);
  }
  return checkTime(stamp, clock) ?? { kind: 'valid', keyId: match, stamp };
}

/** True when one of the signatures was made with the key. No early exit. */
function matches(
  key: Key,
  signatures: readonly Signature[],
  prefix: string,
  body: Uint8Array,
): boolean {
  const macs = new Map<string, Buffer>();
  let found = false;
  for (const { algorithm, bytes } of signatures) {
    if (algorithm === 'ed25519') {
      if (key.kind !== 'ed25519') continue;
      const signed = Buffer.concat([Buffer.from(prefix, 'latin1'), body]);
      if (verifyAsymmetric(null, signed, key.publicKey, bytes)) found = true;
    } else if (key.kind === 'hmac') {
      const mac = macs.get(algorithm) ?? macOf(algorithm, key, prefix, body);
      macs.set(algorithm, mac);
      // The readers let only signatures of the algorithm's length pass.
      if (timingSafeEqual(mac, bytes)) found = true;
    }
  }
  return found;
}

/** HMAC over prefix and body. */
export function macOf(
  algorithm: 'sha256' | 'sha1',
  key: Extract<Key, { kind: 'hmac' }>,
  prefix: string,
  body: Uint8Array,
): Buffer {
  const short = algorithm === 'sha256' ? key.sha256.of(prefix, body) : undefined;
  return short ?? createHmac(algorithm, key.key).update(prefix, 'latin1').update(body).digest();
}

function checkTime({ t }: Stamp, { nowMs, toleranceS }: Clock): Verdict | undefined {
  if (t === undefined) return undefined;
  const ageS = Math.floor(nowMs / 1000) - Number(t);
  if (ageS > toleranceS) {
    return invalid('too_old', `signed ${ageS} s ago, ${toleranceS} s are allowed`);
  }
  if (ageS < -toleranceS) {
    return invalid(
      'in_future',
      `signed ${-ageS} s ahead of our clock, ${toleranceS} s are allowed`,
    );
  }
  return undefined;
}

/** Hex of SHA-256 over the signed bytes: the same whoever signed them, and however often. */
export function signedSha256(dialect: Dialect, stamp: Stamp, body: Uint8Array): string {
  const prefix = dialect.prefix(stamp);
  return createHash('sha256').update(prefix, 'latin1').update(body).digest('hex');
}
