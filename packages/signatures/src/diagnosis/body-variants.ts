import { createHash } from 'node:crypto';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { FindingCode, Variant } from './finding.ts';

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;

/** Bodies of which a sender may have made the signature instead of the one that arrived; that one first. */
export function bodyVariants(received: Uint8Array): Variant<Buffer>[] {
  const body = Buffer.from(received);
  const variants: Variant<Buffer>[] = [{ code: undefined, what: 'the body', value: body }];
  const add = (code: FindingCode, what: string, value: Buffer | string | undefined): void => {
    if (value === undefined) return;
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    if (variants.some((known) => known.value.equals(bytes))) return;
    variants.push({ code, what, value: bytes });
  };
  add('body_missing', 'an empty body was signed', Buffer.alloc(0));
  const text = body.toString('utf8');
  lineEnds(text, add);
  add(
    'body_encoding',
    'a byte order mark was signed that did not arrive',
    Buffer.concat([BOM, body]),
  );
  if (body.subarray(0, 3).equals(BOM)) {
    add('body_encoding', 'the byte order mark was not signed', body.subarray(3));
  }
  serialisations(text, add);
  encodings(body, text, add);
  return variants;
}

type Add = (code: FindingCode, what: string, value: Buffer | string | undefined) => void;

function lineEnds(text: string, add: Add): void {
  add('body_newline', 'a line feed at the end was signed that did not arrive', `${text}\n`);
  add('body_newline', 'a line end (CR LF) was signed that did not arrive', `${text}\r\n`);
  add('body_newline', 'the last line feed was not signed', text.replace(/\r?\n$/, ''));
  add('body_newline', 'white space around the body was not signed', text.trim());
  add('body_newline', 'line ends were LF when it was signed', text.replaceAll('\r\n', '\n'));
  add('body_newline', 'line ends were CR LF when it was signed', text.replaceAll(/\r?\n/g, '\r\n'));
  add('body_newline', 'there were no line ends when it was signed', text.replaceAll(/[\r\n]/g, ''));
}

/** The usual ways in which languages write JSON. */
function serialisations(text: string, add: Add): void {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return;
  }
  const ways: readonly (readonly [what: string, write: (value: unknown) => string])[] = [
    ['without spaces', (inner) => JSON.stringify(inner)],
    ['with a space after , and :', spaced],
    ['indented by 2', (inner) => JSON.stringify(inner, null, 2)],
    ['indented by 4', (inner) => JSON.stringify(inner, null, 4)],
    ['indented by tabs', (inner) => JSON.stringify(inner, null, '\t')],
  ];
  for (const [how, write] of ways) {
    for (const [order, ordered] of [
      ['', value],
      [', with sorted names', sorted(value)],
    ] as const) {
      const written = write(ordered);
      add('body_serialised', `it was signed as JSON ${how}${order}`, written);
      add(
        'body_serialised',
        `it was signed as JSON ${how}${order}, with \\u escapes`,
        escaped(written),
      );
      add(
        'body_serialised',
        `it was signed as JSON ${how}${order}, with \\/ for /`,
        written.replaceAll('/', '\\/'),
      );
    }
  }
  if (typeof value === 'string') add('body_serialised', 'the JSON was signed once unpacked', value);
  add('body_serialised', 'the JSON was signed as a text in JSON', JSON.stringify(text));
}

/** As Python's json.dumps writes by itself. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, inner]) => `${JSON.stringify(name)}: ${spaced(inner)}`,
  );
  return `{${members.join(', ')}}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}

function escaped(text: string): string {
  return text.replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function encodings(body: Buffer, text: string, add: Add): void {
  const sha256 = createHash('sha256').update(body).digest();
  add('signed_form', 'the SHA-256 (hex) of the body was signed', sha256.toString('hex'));
  add('signed_form', 'the SHA-256 (base64) of the body was signed', sha256.toString('base64'));
  add('signed_form', 'the SHA-256 (bytes) of the body was signed', sha256);
  add('body_encoding', 'the base64 of the body was signed', body.toString('base64'));
  add('body_encoding', 'it was signed in Latin-1 and sent in UTF-8', Buffer.from(text, 'latin1'));
  add(
    'body_encoding',
    'it was encoded as UTF-8 twice',
    Buffer.from(body.toString('latin1'), 'utf8'),
  );
  add('body_encoding', 'it was signed in UTF-16', Buffer.from(text, 'utf16le'));
  add('body_encoding', 'it was signed before percent-encoding', decoded(text));
  add('body_encoding', 'it was signed percent-encoded', encodeURIComponent(text.toWellFormed()));
  for (const unpack of [gunzipSync, inflateSync]) {
    try {
      const unpacked = unpack(body, { maxOutputLength: MAX_UNPACKED_BYTES });
      add('body_encoding', 'it was signed before it was compressed', unpacked);
    } catch {
      // Not compressed in this way.
    }
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
