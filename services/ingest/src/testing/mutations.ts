// Ways to change a signed request so that it must be refused, each with the reason that the audit must
// give; and changes that must make no difference.
import { createHmac } from 'node:crypto';
import type { DenialReason } from '../core/denial.ts';

/** A request of our own scheme, as data. */
export interface SignedPush {
  /** Name and value of the signature header. */
  readonly name: string;
  readonly header: string;
  readonly body: Buffer;
}

export interface Mutant extends SignedPush {
  readonly reason: DenialReason;
}

/** What a mutation is made from. */
export interface Original {
  readonly body: Buffer;
  readonly secret: string;
  /** Unix seconds of the receiver's clock. */
  readonly now: number;
  readonly toleranceS: number;
}

/** A whole number from 0, below `limit`. */
export type Random = (limit: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

export function mac(
  secret: string,
  t: string | number,
  body: Buffer,
  encoding: 'hex' | 'base64' = 'hex',
): string {
  return createHmac('sha256', secret).update(`${t}.`).update(body).digest(encoding);
}

function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[random(choices.length)] ?? choices[0];
}

function headerOf(t: string | number, s: string): string {
  return `t=${t},s=sha256=${s}`;
}

function replaceAt(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1);
}

type Change = Pick<Mutant, 'header' | 'reason'> & { readonly body?: Buffer };

/** Time members that are not the one that was signed, though some stand for the same second. */
function rewrittenTime(t: number, random: Random): Pick<Mutant, 'reason'> & { readonly t: string } {
  const wrong = { reason: 'signature_wrong' } as const;
  const malformed = { reason: 'signature_malformed' } as const;
  return pick(random, [
    { t: `0${t}`, ...wrong },
    { t: `00${t}`, ...wrong },
    { t: `${t}000`, ...malformed },
    { t: `+${t}`, ...malformed },
    { t: `-${t}`, ...malformed },
    { t: `${t}.0`, ...malformed },
    { t: `0x${t.toString(16)}`, ...malformed },
    { t: t.toExponential(), ...malformed },
    { t: new Date(t * 1000).toISOString(), ...malformed },
    { t: '', ...malformed },
    { t: 'NaN', ...malformed },
  ]);
}

function reserialised(body: Buffer, random: Random): Buffer {
  const text = body.toString('utf8');
  const value = JSON.parse(text) as Record<string, unknown>;
  const forms = [
    JSON.stringify(value, null, 2),
    JSON.stringify(value, null, '\t'),
    JSON.stringify(Object.fromEntries(Object.entries(value).toReversed())),
    text.replaceAll('":', '": ').replaceAll(',"', ', "'),
    text.replace(/"T-/, '"\\u0054-'),
    `${text}\n`,
    `\uFEFF${text}`,
  ] as const;
  return Buffer.from(pick(random, forms), 'utf8');
}

/** The twelve classes. Each takes a good request and makes one that must be refused. */
export const mutationClasses: Readonly<
  Record<string, (original: Original, random: Random) => Change>
> = {
  't moved by some seconds': ({ body, secret, now }, random) => {
    const by = (1 + random(250)) * (random(2) === 0 ? 1 : -1);
    return { header: headerOf(now + by, mac(secret, now, body)), reason: 'signature_wrong' };
  },
  't too far back, rightly signed': ({ body, secret, now, toleranceS }, random) => {
    const t = now - toleranceS - 1 - random(1_000_000);
    return { header: headerOf(t, mac(secret, t, body)), reason: 'too_old' };
  },
  't too far ahead, rightly signed': ({ body, secret, now, toleranceS }, random) => {
    const t = now + toleranceS + 1 + random(1_000_000);
    return { header: headerOf(t, mac(secret, t, body)), reason: 'in_future' };
  },
  't written in another way': ({ body, secret, now }, random) => {
    const { t, reason } = rewrittenTime(now, random);
    return { header: headerOf(t, mac(secret, now, body)), reason };
  },
  't doubled or left out': ({ body, secret, now }, random) => {
    const s = `s=sha256=${mac(secret, now, body)}`;
    const header = pick(random, [
      s,
      `${s},t=${now},t=${now}`,
      `t=${now - 9999},${s},t=${now}`,
      `T=${now},${s}`,
      `t=${now};${s}`,
    ]);
    return { header, reason: 'signature_malformed' };
  },
  's with one digit changed': ({ body, secret, now }, random) => {
    const good = mac(secret, now, body);
    const at = random(good.length);
    const digit = (Number.parseInt(good.charAt(at), 16) + 1 + random(15)) % 16;
    return {
      header: headerOf(now, replaceAt(good, at, digit.toString(16))),
      reason: 'signature_wrong',
    };
  },
  's cut short or longer': ({ body, secret, now }, random) => {
    const good = mac(secret, now, body);
    const length = pick(random, [0, 1, 32, 40, 62, 63, 65, 66, 96, 128]);
    return {
      header: headerOf(now, good.repeat(2).slice(0, length)),
      reason: 'signature_malformed',
    };
  },
  's in another encoding or without its label': ({ body, secret, now }, random) => {
    const good = mac(secret, now, body);
    const header = pick(random, [
      headerOf(now, mac(secret, now, body, 'base64')),
      headerOf(now, replaceAt(good, random(64), pick(random, ['g', ' ', 'ä', '/', 'O']))),
      `t=${now},s=${good}`,
      `t=${now},s=sha1=${good}`,
      `t=${now},s=sha512=${good}`,
      `t=${now},v1=${good}`,
      `t=${now},sha256=${good}`,
      good,
    ]);
    return { header, reason: 'signature_malformed' };
  },
  's of another secret, time or body': ({ body, secret, now }, random) => {
    const foreign = pick(random, [
      mac(`${secret}\n`, now, body),
      mac(secret.toUpperCase(), now, body),
      mac('', now, body),
      mac(mac(secret, now, body), now, body),
      mac(secret, now - 1, body),
      mac(secret, now, Buffer.alloc(0)),
      createHmac('sha256', secret).update(body).digest('hex'),
      createHmac('sha256', secret).update(`${now}${body.toString()}`).digest('hex'),
      createHmac('sha256', body).update(secret).digest('hex'),
    ]);
    return { header: headerOf(now, foreign), reason: 'signature_wrong' };
  },
  'body with one byte changed': ({ body, secret, now }, random) => {
    const changed = Buffer.from(body);
    const at = random(body.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
    return {
      header: headerOf(now, mac(secret, now, body)),
      body: changed,
      reason: 'signature_wrong',
    };
  },
  'body with bytes more or less': ({ body, secret, now }, random) => {
    const at = random(body.length);
    const changed = pick(random, [
      Buffer.concat([body.subarray(0, at), Buffer.from([random(256)]), body.subarray(at)]),
      Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]),
      body.subarray(0, at),
      Buffer.concat([body, body.subarray(0, 1 + random(40))]),
    ]);
    return {
      header: headerOf(now, mac(secret, now, body)),
      body: changed,
      reason: 'signature_wrong',
    };
  },
  'body serialised anew': ({ body, secret, now }, random) => ({
    header: headerOf(now, mac(secret, now, body)),
    body: reserialised(body, random),
    reason: 'signature_wrong',
  }),
};

/** The n-th mutant: the classes take turns. */
export function mutate(n: number, original: Original, random: Random): Mutant {
  const classes = Object.values(mutationClasses);
  const change = classes[n % classes.length]?.(original, random);
  if (change === undefined) throw new RangeError('there is no class');
  return { name: 'x-signature', body: original.body, ...change };
}

/** Changes that say the same. */
export function harmless(n: number, { body, secret, now }: Original, random: Random): SignedPush {
  const t = now - 300 + random(601);
  const s = mac(secret, t, body);
  const zeros = '0'.repeat(64);
  const headers = [
    headerOf(t, s.toUpperCase()),
    `t=${t},s=sha256=${zeros},s=sha256=${s}`,
    `t=${t},s=sha256=${s},s=sha256=${mac('another secret', t, body)}`,
    `s=sha256=${s},t=${t}`,
    ` t=${t} , s=sha256=${s} `,
    `t=${t},v9=later,s=sha256=${s}`,
    `t=${t},s=SHA256=${s}`,
    headerOf(t, s),
  ] as const;
  const names = ['X-Signature', 'x-signature', 'X-SIGNATURE', 'x-SiGnAtUrE'] as const;
  const header = headers[n % headers.length] ?? headers[0];
  return { name: names[random(names.length)] ?? names[0], header, body };
}
