import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Dialect, Headers, Stamp } from '../dialect.ts';
import { bodyVariants } from './body-variants.ts';
import { deviationOf, type ClaimedMac } from './claimed-macs.ts';
import { finding, type Finding, type FindingCode, type Variant } from './finding.ts';
import { formVariants, type Form } from './form-variants.ts';
import { keyVariants } from './key-variants.ts';

/** A secret by a name that may be shown. */
export interface NamedSecret {
  readonly name: string;
  readonly secret: string;
  /** False: one of another source, to find out that it was mixed up. */
  readonly isOwn: boolean;
}

export interface SearchInput {
  readonly dialect: Dialect;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly stamp: Stamp;
  readonly macs: readonly ClaimedMac[];
  readonly secrets: readonly NamedSecret[];
}

export interface SearchResult {
  /** Empty when nothing explains the signature. */
  readonly findings: readonly Finding[];
  /** How many combinations were tried. */
  readonly tried: number;
}

const HASHES = ['sha256', 'sha1', 'sha512', 'md5'] as const;
/** Mistakes at a time, beside a cut or wrongly encoded signature. */
const MAX_MISTAKES = 2;
/** A part of a MAC is taken for one from this many bytes on. */
const MIN_BYTES = 8;
/** Bounds the work for large bodies: HMAC runs at some hundred MB/s. */
const MAX_HASHED_BYTES = 1_000_000_000;

interface Combination {
  readonly mistakes: number;
  readonly key: Variant<Buffer>;
  readonly body: Variant<Buffer>;
  readonly form: Variant<Form>;
  readonly hash: (typeof HASHES)[number];
}

/**
 * Tries what senders get wrong, alone and two at a time: key × body × signed form × hash, fewest mistakes
 * first. The first that makes one of the claimed MACs is the explanation.
 */
export function searchMistake(input: SearchInput): SearchResult {
  let tried = 0;
  let hashed = 0;
  for (let mistakes = 0; mistakes <= MAX_MISTAKES; mistakes += 1) {
    for (const secret of input.secrets) {
      for (const combination of combinations(input, secret, mistakes)) {
        tried += 1;
        hashed += combination.body.value.length;
        if (hashed > MAX_HASHED_BYTES) return { findings: [], tried };
        const hit = hitOf(combination, input.macs);
        if (hit !== undefined) return { findings: explain(combination, secret, hit, input), tried };
      }
    }
  }
  return { findings: [], tried };
}

function* combinations(
  { dialect, body, stamp, macs }: SearchInput,
  { secret, isOwn }: NamedSecret,
  mistakes: number,
): Generator<Combination> {
  const keys = keyVariants(
    dialect,
    secret,
    macs.map((mac) => mac.text),
  );
  const bodies = bodyVariants(body);
  const forms = formVariants(dialect, stamp);
  // That the secret is another one is a mistake, too.
  const budget = isOwn ? mistakes : mistakes - 1;
  for (const key of keys) {
    for (const form of forms) {
      for (const hash of HASHES) {
        const sofar =
          Number(key.code !== undefined) +
          Number(form.code !== undefined) +
          Number(hash !== dialect.algorithm);
        if (sofar > budget) continue;
        for (const candidate of bodies) {
          if (sofar + Number(candidate.code !== undefined) === budget) {
            yield { mistakes, key, form, hash, body: candidate };
          }
        }
      }
    }
  }
}

interface Hit {
  readonly claimed: ClaimedMac;
  readonly mac: Buffer;
}

function hitOf(combination: Combination, macs: readonly ClaimedMac[]): Hit | undefined {
  const { key, form, hash, body } = combination;
  const mac = createHmac(hash, key.value)
    .update(form.value.before, 'latin1')
    .update(body.value)
    .update(form.value.after, 'latin1')
    .digest();
  const claimed = macs.find(({ bytes }) => isPartOf(bytes, mac));
  return claimed && { claimed, mac };
}

function isPartOf(bytes: Buffer, mac: Buffer): boolean {
  if (bytes.length < MIN_BYTES || bytes.length > mac.length) return false;
  return timingSafeEqual(bytes, mac.subarray(0, bytes.length));
}

function explain(
  { key, form, hash, body }: Combination,
  { name, isOwn }: NamedSecret,
  { claimed, mac }: Hit,
  { dialect }: SearchInput,
): Finding[] {
  const mistakes: (readonly [FindingCode | undefined, string])[] = [
    [isOwn ? undefined : 'secret_other', `it was made with ${name}`],
    [key.code, `${name}: ${key.what}`],
    [body.code, body.what],
    [form.code, form.what],
    [
      hash === dialect.algorithm ? undefined : 'hash_wrong',
      `it was made with HMAC-${hash.toUpperCase()}, expected is HMAC-${dialect.algorithm.toUpperCase()}`,
    ],
    ...deviationOf(claimed, mac),
  ];
  return mistakes.flatMap(([code, what]) =>
    code === undefined ? [] : [finding(code, what, true)],
  );
}
