import type { Dialect, Headers } from '../dialect.ts';
import { dialects } from '../dialects.ts';
import { verify, type Clock, type KeyedKey, type Verdict } from '../verify.ts';
import { claimedMacs, claimedStamp } from './claimed-macs.ts';
import { finding, type Finding } from './finding.ts';
import { searchMistake, type NamedSecret } from './search.ts';

export interface DiagnosisInput {
  readonly dialect: Dialect;
  readonly headers: Headers;
  /** The bytes that arrived. */
  readonly body: Uint8Array;
  /** The source's own, and others that may have been mixed up with them. */
  readonly secrets: readonly NamedSecret[];
  readonly clock: Clock;
}

export interface Diagnosis {
  /** What ingest says about the request. */
  readonly verdict: Verdict;
  /** What is wrong, in the order in which it should be mended. Empty for a valid request. */
  readonly findings: readonly Finding[];
  /** Combinations of mistakes that were tried. */
  readonly tried: number;
}

/** Why a request is refused, as far as it can be calculated. Neither result nor texts hold a secret. */
export function diagnose(input: DiagnosisInput): Diagnosis {
  const { dialect, headers, body, secrets, clock } = input;
  const verdict = verify(dialect, { headers, body }, keysOf(dialect, secrets), clock);
  if (verdict.kind === 'valid') return { verdict, findings: [], tried: 1 };
  if (verdict.reason === 'too_old' || verdict.reason === 'in_future') {
    return { verdict, findings: [skew(dialect, headers, clock)], tried: 1 };
  }
  const other = otherDialect(input);
  if (other !== undefined) return { verdict, findings: [other], tried: 1 };
  const macs = claimedMacs(dialect, headers);
  const stamp = claimedStamp(dialect, headers);
  const formal = formalFindings(input, verdict.detail, stamp.t);
  if (macs.length === 0) return { verdict, findings: formal, tried: 1 };
  const { findings, tried } = searchMistake({ dialect, headers, body, stamp, macs, secrets });
  const found = [...formal, ...findings];
  return { verdict, findings: found.length > 0 ? found : [lastGuess(body, headers, tried)], tried };
}

function keysOf(dialect: Dialect, secrets: readonly NamedSecret[]): KeyedKey[] {
  return secrets.flatMap(({ name, secret, isOwn }) => {
    const key = isOwn ? dialect.key(secret) : undefined;
    return key === undefined ? [] : [{ keyId: name, key }];
  });
}

const HALF_HOUR_S = 1800;
const ZONE_SLACK_S = 120;

function skew(dialect: Dialect, headers: Headers, { nowMs, toleranceS }: Clock): Finding {
  const reading = dialect.read(headers);
  const t = reading.kind === 'read' ? Number(reading.stamp.t) : 0;
  const ageS = Math.floor(nowMs / 1000) - t;
  const distance = Math.abs(ageS);
  const off = distance % HALF_HOUR_S;
  const isZone =
    distance >= HALF_HOUR_S &&
    Math.min(off, HALF_HOUR_S - off) <= ZONE_SLACK_S &&
    distance <= 15 * 3600;
  const hint = isZone ? '; that is near a whole half hour: local time taken for UTC?' : '';
  const where = ageS > 0 ? 'old' : 'ahead of our clock';
  return finding(
    'clock_skew',
    `the signature is right, its time is ${distance} s ${where}, ${toleranceS} s are allowed${hint}`,
    true,
  );
}

/** A request of another dialect, known by its headers; proved when it fits one of the secrets. */
function otherDialect({
  dialect,
  headers,
  body,
  secrets,
  clock,
}: DiagnosisInput): Finding | undefined {
  if (dialect.headers.some((name) => headers[name] !== undefined)) return undefined;
  for (const other of Object.values(dialects)) {
    if (other.read(headers).kind === 'missing') continue;
    const result = verify(other, { headers, body }, keysOf(other, secrets), clock);
    const proved =
      result.kind === 'valid' || result.reason.startsWith('too') || result.reason === 'in_future';
    const rest = proved ? ', and rightly so' : '';
    return finding(
      'wrong_dialect',
      `it is signed as ${other.name}${rest}, expected is ${dialect.name}`,
      proved,
    );
  }
  return undefined;
}

/** What the headers alone show. */
function formalFindings(
  { dialect, headers }: DiagnosisInput,
  detail: string,
  t: string | undefined,
): Finding[] {
  const reading = dialect.read(headers);
  if (reading.kind === 'read') return [];
  if (reading.kind === 'missing') return [finding('header_missing', detail, true)];
  const isMilliseconds = t !== undefined && t.length === 13;
  return [
    isMilliseconds
      ? finding('time_unit', `the time ${t} is in milliseconds`, true)
      : finding('header_malformed', detail, true),
  ];
}

function lastGuess(body: Uint8Array, headers: Headers, tried: number): Finding {
  const declared = Number(headers['content-length'] ?? body.length);
  if (declared !== body.length) {
    return finding(
      'body_truncated',
      `Content-Length says ${declared} bytes, ${body.length} are here`,
      true,
    );
  }
  const text = Buffer.from(body).toString('utf8').trim();
  if (isCutOff(text)) {
    return finding(
      'body_truncated',
      `the JSON ends in the middle, after ${body.length} bytes`,
      false,
    );
  }
  return finding('secret_unknown', `none of ${tried} combinations makes the signature`, false);
}

/** True for JSON that is right up to its end, and has one too early. */
function isCutOff(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = /position (\d+)/.exec(message)?.[1];
    return /^[[{]/.test(text) && (position === undefined || Number(position) >= text.length);
  }
}
