import type { Key } from './key.ts';

/** Headers by lower case name. */
export type Headers = Readonly<Record<string, string | undefined>>;

export type Algorithm = 'sha256' | 'sha1' | 'ed25519';

/** One signature as it stood in a header, decoded. */
export interface Signature {
  readonly algorithm: Algorithm;
  readonly bytes: Buffer;
}

/** What is signed beside the body, in the very text that was sent. */
export interface Stamp {
  /** Unix seconds; undefined in dialects without a time. */
  readonly t?: string;
  /** Id of the message; undefined in dialects that sign none. */
  readonly id?: string;
}

/** What the headers of a request say. */
export type Reading =
  | { readonly kind: 'missing'; readonly header: string }
  | { readonly kind: 'malformed'; readonly header: string; readonly expected: string }
  | {
      readonly kind: 'read';
      readonly stamp: Stamp;
      /** At least one. */
      readonly signatures: readonly Signature[];
    };

/**
 * How one kind of sender signs. In every dialect the signed bytes are a prefix, made of the stamp, and
 * the raw body.
 */
export interface Dialect {
  readonly name: string;
  /** Where the description stands, and whether an example with key and result is published. */
  readonly origin: string;
  /** Headers that prove who sends; they are not kept. Lower case. */
  readonly headers: readonly string[];
  /** Parts of the stamp that the dialect has. */
  readonly stamp: readonly (keyof Stamp)[];
  readonly prefix: (stamp: Stamp) => string;
  readonly read: (headers: Headers) => Reading;
  /** The headers of a signed request. */
  readonly write: (stamp: Stamp, signatures: readonly Signature[]) => Record<string, string>;
  /** Undefined when the text cannot be a secret of this dialect. */
  readonly key: (secret: string) => Key | undefined;
  /** With which a key of ours signs; ed25519 keys say so themselves. */
  readonly algorithm: 'sha256' | 'sha1';
}

/** Up to 12 digits: a time in milliseconds has 13 and is refused instead of being read as far future. */
export const UNIX_SECONDS: RegExp = /^[0-9]{1,12}$/;

/** A sender gives several while it changes its secret; more would only cost us time. */
export const MAX_SIGNATURES = 5;

export const MAX_HEADER_LENGTH = 2048;

/** A dialect is asked to sign or check with a stamp that lacks what it needs: a bug of the caller. */
export function stamped(stamp: Stamp, part: keyof Stamp): string {
  const value = stamp[part];
  if (value === undefined) throw new TypeError(`the stamp has no ${part}`);
  return value;
}
