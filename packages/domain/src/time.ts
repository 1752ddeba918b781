const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(zone, format);
  }
  return format;
}

/** Local date and time `YYYY-MM-DDTHH:MM:SS` of an instant (ms since epoch) in an IANA zone. */
export function localTime(instant: number, zone: string): string {
  const parts: Record<string, string> = {};
  for (const { type, value } of formatOf(zone).formatToParts(instant)) parts[type] = value;
  const { year, month, day, hour, minute, second } = parts;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}`;
}

/** Local date `YYYY-MM-DD` to which an instant belongs for a company in `zone`. */
export function businessDate(instant: number, zone: string): string {
  return localTime(instant, zone).slice(0, 10);
}

/** Offset of the zone from UTC at that instant, in ms; positive east. */
export function zoneOffsetMs(instant: number, zone: string): number {
  const whole = Math.floor(instant / 1000) * 1000;
  return Date.parse(`${localTime(whole, zone)}Z`) - whole;
}

/** A business day in UTC: from inclusive, to exclusive, ms. */
export interface BusinessDay {
  readonly date: string;
  readonly from: number;
  readonly to: number;
}

const DAY_MS = 86_400_000;

/** When a local date begins, ms; the offset near midnight counts, not the one at noon. */
function startOf(date: string, zone: string): number {
  const utc = Date.parse(`${date}T00:00:00Z`);
  const near = utc - zoneOffsetMs(utc, zone);
  return utc - zoneOffsetMs(near, zone);
}

/** The newest answer: a fleet asks for the same day again and again, and a calendar costs ten fixes. */
let answered: { readonly zone: string; readonly day: BusinessDay } | undefined;

/** The business day of an instant in an IANA zone; 23 to 25 hours long. */
export function businessDayOf(time: number, zone: string): BusinessDay {
  const known = answered?.zone === zone ? answered.day : undefined;
  if (known !== undefined && time >= known.from && time < known.to) return known;
  const day = dayIn(zone, time);
  answered = { zone, day };
  return day;
}

function dayIn(zone: string, time: number): BusinessDay {
  const date = businessDate(time, zone);
  const next = new Date(Date.parse(`${date}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
  return { date, from: startOf(date, zone), to: startOf(next, zone) };
}

/** Milliseconds since epoch of an ISO 8601 instant that states its offset; undefined otherwise. */
export function parseInstant(text: string): number | undefined {
  if (!/(?:Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
