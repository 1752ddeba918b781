import {
  MAX_HEADER_LENGTH,
  MAX_SIGNATURES,
  UNIX_SECONDS,
  stamped,
  type Algorithm,
  type Headers,
  type Reading,
  type Signature,
  type Stamp,
} from './dialect.ts';
import { decodeBase64 } from './key.ts';

const BYTES: Readonly<Record<Algorithm, number>> = { sha256: 32, sha1: 20, ed25519: 64 };

/** A signature in hexadecimal, capitals or not; undefined when the length is another. */
export function fromHex(algorithm: Algorithm, text: string): Signature | undefined {
  const digits = BYTES[algorithm] * 2;
  // Left to itself Buffer takes the low byte of a character for a digit: U+0130 for 0.
  if (text.length !== digits || !/^[0-9a-f]+$/i.test(text)) return undefined;
  return { algorithm, bytes: Buffer.from(text, 'hex') };
}

/** A signature in base64; undefined when the length is another. */
export function fromBase64(algorithm: Algorithm, text: string): Signature | undefined {
  const bytes = decodeBase64(text);
  return bytes?.length === BYTES[algorithm] ? { algorithm, bytes } : undefined;
}

export function toHex({ bytes }: Signature): string {
  return bytes.toString('hex');
}

/** Reads the one header that a dialect cannot do without. */
export function readHeader(
  headers: Headers,
  header: string,
  parse: (text: string) => Reading,
): Reading {
  const text = headers[header];
  return text === undefined ? { kind: 'missing', header } : parse(text);
}

/** `t=<unix seconds>` and signatures as members of one header, separated by commas. */
export interface MemberForm {
  readonly header: string;
  /** Name of the member that holds a signature. */
  readonly member: string;
  /** Before the hex digits, `sha256=` or nothing. */
  readonly label: string;
}

/**
 * Reads a header of the form `t=…,<member>=<label><hex>[,…]`. Members and labels that are not known are
 * passed over, so that a sender may add newer ones; a second `t` is not.
 */
export function readMembers({ header, member, label }: MemberForm, text: string): Reading {
  const malformed = (expected: string): Reading => ({ kind: 'malformed', header, expected });
  if (text.length > MAX_HEADER_LENGTH) {
    return malformed(`at most ${MAX_HEADER_LENGTH} characters`);
  }
  let t: string | undefined;
  const signatures: Signature[] = [];
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    if (equals < 1) return malformed('members <name>=<value>, separated by commas');
    const name = part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim();
    if (name === 't') {
      if (t !== undefined) return malformed('one member t');
      if (!UNIX_SECONDS.test(value)) return malformed('t in whole seconds since 1970');
      t = value;
    } else if (name === member && isLabelled(value, label)) {
      const signature = fromHex('sha256', value.slice(label.length));
      if (signature !== undefined) signatures.push(signature);
    }
  }
  if (t === undefined) return malformed('a member t');
  if (signatures.length === 0) {
    return malformed(`a member ${member}=${label} with 64 hexadecimal digits`);
  }
  if (signatures.length > MAX_SIGNATURES) return malformed(`at most ${MAX_SIGNATURES} signatures`);
  return { kind: 'read', stamp: { t }, signatures };
}

/** Whether the text begins with the label, capitals or not. */
function isLabelled(text: string, label: string): boolean {
  return text.slice(0, label.length).toLowerCase() === label;
}

/** The inverse of `readMembers`. */
export function writeMembers(
  { header, member, label }: MemberForm,
  stamp: Stamp,
  signatures: readonly Signature[],
): Record<string, string> {
  const macs = signatures.map((signature) => `${member}=${label}${toHex(signature)}`);
  return { [header]: [`t=${stamped(stamp, 't')}`, ...macs].join(',') };
}

/** A header that is one hexadecimal signature after a label. */
export function readHex(
  { header, label }: { readonly header: string; readonly label: string },
  algorithm: Algorithm,
  text: string,
): Reading {
  const signature = isLabelled(text, label)
    ? fromHex(algorithm, text.slice(label.length))
    : undefined;
  return signature === undefined
    ? {
        kind: 'malformed',
        header,
        expected: `${label === '' ? '' : `${label} and `}${BYTES[algorithm] * 2} hexadecimal digits`,
      }
    : { kind: 'read', stamp: {}, signatures: [signature] };
}
