/** `X-Signature: t=<unix seconds>,s=sha256=<64 hex>[,s=sha256=<64 hex>…]`, parsed. */
export interface SignatureHeader {
  /** The text of `t` as sent: it is part of the signed bytes. */
  readonly t: string;
  /** Lower case hex; a sender gives several while it changes its secret. */
  readonly macs: readonly string[];
}

const MAX_LENGTH = 1024;
const MAX_MACS = 5;
/** Up to 12 digits: a time in milliseconds has 13 and is refused. */
const TIMESTAMP = /^[0-9]{1,12}$/;
const MAC = /^sha256=([0-9a-f]{64})$/i;

/** Undefined when the header is not of the form; unknown members and other hash names are passed over. */
export function parseSignature(header: string): SignatureHeader | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  let t: string | undefined;
  const macs: string[] = [];
  for (const member of header.split(',')) {
    const equals = member.indexOf('=');
    if (equals < 1) return undefined;
    const name = member.slice(0, equals).trim();
    const value = member.slice(equals + 1).trim();
    if (name === 't') {
      if (t !== undefined || !TIMESTAMP.test(value)) return undefined;
      t = value;
    } else if (name === 's') {
      const mac = MAC.exec(value)?.[1];
      if (mac !== undefined) macs.push(mac.toLowerCase());
    }
  }
  if (t === undefined || macs.length === 0 || macs.length > MAX_MACS) return undefined;
  return { t, macs };
}

/** Whether a signed time is near enough to now, both ways. Seconds and milliseconds since epoch. */
export function checkTime(
  t: string,
  nowMs: number,
  toleranceS: number,
): 'in_time' | 'too_old' | 'in_future' {
  const ageS = Math.floor(nowMs / 1000) - Number(t);
  if (ageS > toleranceS) return 'too_old';
  return ageS < -toleranceS ? 'in_future' : 'in_time';
}
