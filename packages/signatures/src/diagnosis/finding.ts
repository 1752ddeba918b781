/** What can be wrong with a signature, and what to do about it. A closed set; scripts may rely on it. */
export const findings = {
  wrong_dialect: 'set the scheme of the source to that dialect, or let the sender sign as expected',
  header_missing: 'let the sender add it; a proxy may also have removed it',
  header_malformed: 'let the sender write the header as the dialect says',
  time_unit: 'let the sender write the time in whole seconds since 1970',
  clock_skew:
    'set the clock that is off (NTP); sign repeats anew, or raise tolerance_s of the source',
  signature_truncated: 'send the whole signature; look for a field or a log that cuts it',
  signature_encoding: 'encode the MAC as the dialect says',
  hash_wrong: 'use the hash of the dialect',
  secret_encoding: 'use the secret as the dialect says: its text, or the bytes that it encodes',
  secret_whitespace: 'remove white space and quotes around the secret on both sides',
  secret_other:
    'the sender uses another secret of yours: correct it there, or add it to the source',
  signed_form: 'sign exactly the bytes of the dialect: time, separator and body',
  body_newline: 'sign the bytes that are sent: something adds, removes or changes line ends',
  body_serialised: 'sign the bytes that are sent; do not parse and write the JSON again in between',
  body_encoding: 'sign the bytes that are sent, in the encoding in which they are sent',
  body_missing: 'sign the body, not an empty one: read it before it is consumed',
  body_truncated: 'send the whole body, and the Content-Length that belongs to it',
  secret_unknown: 'compare the secrets of both sides: nothing else explains it',
} as const;

export type FindingCode = keyof typeof findings;

/** One thing that is wrong. */
export interface Finding {
  readonly code: FindingCode;
  /** What was found; never holds a secret. */
  readonly what: string;
  readonly fix: string;
  /** True: shown by calculation. False: the best guess. */
  readonly proved: boolean;
}

export function finding(code: FindingCode, what: string, proved: boolean): Finding {
  return { code, what, fix: findings[code], proved };
}

/** One way in which a sender may have deviated; `code` is undefined for the right way. */
export interface Variant<T> {
  readonly code: FindingCode | undefined;
  readonly what: string;
  readonly value: T;
}
