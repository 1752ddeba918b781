import type { Dialect, Headers, Stamp } from '../dialect.ts';
import { decodeBase64 } from '../key.ts';
import type { FindingCode } from './finding.ts';

/** Something in a header that may be a MAC, whole or cut off. */
export interface ClaimedMac {
  /** As it stands in the header. */
  readonly text: string;
  readonly bytes: Buffer;
  /** How the encoding deviates from the dialect; undefined when it does not. */
  readonly encoding: string | undefined;
}

/** Shorter pieces of hexadecimal are too likely to be something else. */
const MIN_BYTES = 8;

/** Headers of a dialect that hold its stamp; the others hold signatures. */
function valuesOf(dialect: Dialect, headers: Headers): string[] {
  return dialect.headers.flatMap((name) => headers[name] ?? []);
}

/** Everything in the dialect's headers that could be a MAC, in the order of appearance. */
export function claimedMacs(dialect: Dialect, headers: Headers): ClaimedMac[] {
  const isBase64 = dialect.name === 'standard-webhooks';
  return valuesOf(dialect, headers)
    .flatMap((value) => value.split(/[\s,;"'<>]+/))
    .map((piece) => piece.replace(/^(?:[A-Za-z0-9]+=)*(?=[A-Za-z0-9+/_-]{8})/, ''))
    .flatMap((text): ClaimedMac[] => {
      if (/^[0-9a-f]+$/i.test(text)) {
        const bytes = Buffer.from(text.slice(0, text.length - (text.length % 2)), 'hex');
        const encoding = isBase64 ? 'it is hexadecimal, and base64 is expected' : undefined;
        return bytes.length >= MIN_BYTES ? [{ text, bytes, encoding }] : [];
      }
      const plain = decodeBase64(text);
      if (plain !== undefined && plain.length >= MIN_BYTES) {
        const encoding = isBase64 ? undefined : 'it is base64, and hexadecimal is expected';
        return [{ text, bytes: plain, encoding }];
      }
      const url = /^[A-Za-z0-9_-]+$/.test(text) ? Buffer.from(text, 'base64url') : undefined;
      return url !== undefined && url.length >= MIN_BYTES
        ? [
            {
              text,
              bytes: url,
              encoding: 'it is base64 of the URL kind, or base64 without padding',
            },
          ]
        : [];
    });
}

/** Time and id as far as they can be found, also in headers that are not of their form. */
export function claimedStamp(dialect: Dialect, headers: Headers): Stamp {
  const reading = dialect.read(headers);
  if (reading.kind === 'read') return reading.stamp;
  const all = Object.entries(headers).filter(([name]) =>
    /signature|timestamp|webhook-id/.test(name),
  );
  const text = all.map(([, value]) => value ?? '').join(' ');
  const t = /(?<![0-9A-Za-z])([0-9]{9,16})(?![0-9A-Za-z])/.exec(text)?.[1];
  const id = headers['webhook-id'];
  return {
    ...(t === undefined || !dialect.stamp.includes('t') ? {} : { t }),
    ...(id === undefined || !dialect.stamp.includes('id') ? {} : { id }),
  };
}

/** What is wrong with a MAC as it stands there, once it is known which one was meant. */
export function deviationOf(
  claimed: ClaimedMac,
  meant: Buffer,
): readonly (readonly [FindingCode, string])[] {
  const found: (readonly [FindingCode, string])[] = [];
  if (claimed.bytes.length < meant.length) {
    found.push([
      'signature_truncated',
      `the signature has ${claimed.bytes.length} of its ${meant.length} bytes`,
    ]);
  }
  if (claimed.encoding !== undefined) found.push(['signature_encoding', claimed.encoding]);
  return found;
}
