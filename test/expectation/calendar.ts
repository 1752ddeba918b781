/** `2015-12-10T04:50:00Z` of an epoch second. */
export function instantText(second: number): string {
  return new Date(second * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Epoch second of an instant with its offset; throws for anything else. */
export function secondOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !/(Z|[+-]\d\d:\d\d)$/.test(text)) throw new Error(`no instant: ${text}`);
  return ms / 1000;
}

/** Local date `YYYY-MM-DD` of an epoch second in an IANA zone. */
export function localDate(second: number, zone: string): string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  const part = Object.fromEntries(
    format.formatToParts(second * 1000).map(({ type, value }) => [type, value]),
  );
  return `${part['year']}-${part['month']}-${part['day']}`;
}
