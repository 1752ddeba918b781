import type { ProposalChanged, ReworkRequested } from '@waybill/contracts';
import {
  businessDate,
  hashId,
  parseInstant,
  REREAD_MARGIN_MS,
  taskKey,
  zoneOffsetMs,
} from '@waybill/domain';

/** A device clock may be ahead by this when a record is published, ms. */
const SKEW_MS = 120_000;
/** Raw records are looked through; that must not hold live work. */
const RAW_RATE = 2_000;
const PROVIDER_RATE = 100;
const DAY_MS = 86_400_000;

/** A range of one unit that is to be read again, margin included. */
export interface RereadWish {
  readonly tenant: string;
  readonly unit: string;
  /** First device time, ms. */
  readonly from: number;
  /** End, exclusive, ms. */
  readonly to: number;
  /** `provider` reads the source again; `raw` what our own raw topics hold. */
  readonly way: 'provider' | 'raw';
  readonly requestedBy: string;
  readonly requestedTime: number;
}

/** How a unit's range can be read again: a pull source from the provider, any other from our raw topics. */
export function wayOf(
  { sources }: { readonly sources: readonly { readonly kind: string }[] },
  unit: string,
): RereadWish['way'] {
  return unit.startsWith('wialon:') && sources.some(({ kind }) => kind === 'wialon')
    ? 'provider'
    : 'raw';
}

/** The command that reads the range again; its id is the request that the end marker names. */
export function rereadCommand(wish: RereadWish, id: string): ReworkRequested {
  const { tenant, unit, from, to, way } = wish;
  const isRaw = way === 'raw';
  const reread = { request_id: id, tenant_id: tenant, unit, from_time: from, to_time: to };
  return {
    rework_id: id,
    service: isRaw ? 'transformer' : 'wialon-extractor',
    addresses: [],
    dead_letter_ids: [],
    topic: null,
    key: isRaw ? null : taskKey(tenant, unit),
    // Nothing is published before it happened; of the provider's range times are device times.
    from_time: isRaw ? from - SKEW_MS : from,
    to_time: isRaw ? null : to,
    partition: null,
    from_offset: null,
    to_offset: null,
    reread: isRaw ? reread : null,
    preview: false,
    rate_records_per_s: isRaw ? RAW_RATE : PROVIDER_RATE,
    requested_by: wish.requestedBy,
    requested_time: wish.requestedTime,
  };
}

/** Id of the request that answers a wanted proposal: asking twice is one request. */
export function wantedId({ tenant_id, unit, business_date, revision }: ProposalChanged): string {
  return hashId('reread', tenant_id, unit, business_date, revision);
}

/** A range around which so much more is read that what happens in it can be judged. */
export function withMargin(range: { readonly from: number; readonly to: number }): {
  readonly from: number;
  readonly to: number;
} {
  return { from: range.from - REREAD_MARGIN_MS, to: range.to + REREAD_MARGIN_MS };
}

/** From midnight to midnight of a business day. */
export function dayRange(
  day: string,
  zone: string,
): { readonly from: number; readonly to: number } {
  const midnight = (text: number): number => {
    const guess = text - zoneOffsetMs(text, zone);
    return text - zoneOffsetMs(guess, zone);
  };
  const start = parseInstant(`${day}T00:00:00Z`) ?? 0;
  return { from: midnight(start), to: midnight(start + DAY_MS) };
}

/** Business days on which a recomputation of the range may say something. */
export function datesOf(
  range: { readonly from: number; readonly to: number },
  timeZone: string,
): readonly string[] {
  const dates = new Set<string>();
  for (let time = range.from - DAY_MS; time <= range.to + DAY_MS; time += 3_600_000) {
    dates.add(businessDate(time, timeZone));
  }
  return [...dates];
}
