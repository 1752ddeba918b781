/** A number below this counts seconds (to the year 5138), above it milliseconds (from March 1973). */
const FIRST_MILLISECOND = 100_000_000_000;

/** Counts from here on are no instants any more (year 33,658). */
const COUNT_LIMIT = 1e15;

/** Date.UTC takes smaller ones for years of the 20th century; times before 1970 are refused anyway. */
const FIRST_YEAR = 100;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const INSTANT =
  /^\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DIGITS = /^\d{1,16}$/;

/**
 * Instant, ms since epoch, of a time in a pushed JSON body: ISO 8601 text that states its offset, or a
 * count since 1970 in seconds or milliseconds, as number or as digits. Undefined when it is none of
 * these or before 1970: a zone is never guessed, and the 30th of February is no day.
 */
export function instantOf(value: unknown): number | undefined {
  if (typeof value === 'string' && !DIGITS.test(value)) {
    return INSTANT.test(value) ? isoInstant(value) : undefined;
  }
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const count = Number(value);
  if (!(count > 0 && count < COUNT_LIMIT)) return undefined;
  return Math.round(count < FIRST_MILLISECOND ? count * 1000 : count);
}

/** `YYYY-MM-DDTHH:MM[:SS[.fff]]` and `Z` or `±HH:MM`, already of that form. Four times as fast as Date.parse. */
function isoInstant(text: string): number | undefined {
  const day = dayNumber(text);
  if (day === undefined) return undefined;
  const last = text.length - 1;
  const zoned = text.charCodeAt(last - 2) === COLON && isSign(text.charCodeAt(last - 5));
  const end = zoned ? last - 5 : last;
  // Two digits, and what Number reads from `05.250`, are always a number.
  const seconds = end > 16 ? Number(text.slice(17, end)) : 0;
  let minutes = twoDigits(text, 11) * 60 + twoDigits(text, 14);
  if (zoned) {
    const offset = twoDigits(text, end + 1) * 60 + twoDigits(text, end + 4);
    minutes += text.charCodeAt(end) === MINUS ? offset : -offset;
  }
  const ms = day * DAY_MS + minutes * MINUTE_MS + Math.floor(seconds * 1000 + 1e-6);
  return ms >= 0 ? ms : undefined;
}

/** Days since epoch of `YYYY-MM-DD`; undefined for anything else, and for days that no month has. */
export function dayOf(value: unknown): number | undefined {
  return typeof value === 'string' && DATE.test(value) ? dayNumber(value) : undefined;
}

const COLON = 0x3a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ZERO = 0x30;

function isSign(code: number): boolean {
  return code === PLUS || code === MINUS;
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}

/** Days since epoch of the ten characters `YYYY-MM-DD` that a text begins with. */
function dayNumber(text: string): number | undefined {
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const [month, day] = [twoDigits(text, 5), twoDigits(text, 8)];
  if (month < 1 || month > 12 || day < 1 || year < FIRST_YEAR) return undefined;
  const number = Date.UTC(year, month - 1, day) / DAY_MS;
  // The 31st of a short month would be a day of the next one.
  return day > 28 && new Date(number * DAY_MS).getUTCDate() !== day ? undefined : number;
}
