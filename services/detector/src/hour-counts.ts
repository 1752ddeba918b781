import { topics, type HourCounted } from '@waybill/contracts';
import { businessDate } from '@waybill/domain';
import type { Emitter, KeyedStore } from '@waybill/stream';
import { ByteReader, ByteWriter } from './core/bytes.ts';
import type { Rules } from './core/rules.ts';

const HOUR_MS = 3_600_000;
/** Between two versions of an hour, ms of T. */
const PAUSE_MS = 60_000;
/** How long an hour is counted, ms of event time behind T: longer than late data are kept. */
const KEPT_MS = 40 * 86_400_000;

interface Hour {
  readonly start: number;
  /** Where it is saved. */
  readonly key: string;
  fixes: number;
  late: number;
  beyond: number;
  /** Units that were heard, and whether they said if their engine runs; only while the hour is not final. */
  readonly units: Map<string, boolean>;
  heard: number;
  /** Those of them that said so. */
  withEngine: number;
  isFinal: boolean;
  /** Differs from what was published. */
  isDue: boolean;
}

interface TenantHours {
  readonly hours: Map<number, Hour>;
  publishedAt: number;
  /** Start of the newest hour up to which none is missing; -Infinity = not looked at yet. */
  filledTo: number;
}

/** A fix, and how it counts. */
export interface CountedFix {
  readonly time: number;
  readonly saysEngine: boolean;
  readonly how: 'applied' | 'late' | 'beyond_grace';
}

/** Evidence of completeness: what one task saw of a tenant in each hour of device time. */
export interface HourCounts {
  readonly load: () => void;
  readonly count: (tenantId: string, unit: string, fix: CountedFix) => void;
  /** Days with proposals: their hours are published anew. */
  readonly touch: (tenantId: string, from: number, to: number) => void;
  /** Writes what was counted. */
  readonly save: () => void;
  /** T has moved: at most once a minute what changed, and what became final. */
  readonly publish: (about: PublishHours) => void;
}

/** What the publishing of hours needs. */
export interface PublishHours {
  readonly rules: Rules;
  readonly clock: number;
  readonly units: number;
  readonly pending: (date: string) => number;
  readonly out: Emitter;
}

const writer = new ByteWriter();

function keyOf(tenantId: string, start: number, unit?: string): string {
  const key = `hours/${tenantId}/${start}`;
  return unit === undefined ? key : `${key}/${unit}`;
}

function encode(hour: Hour): Uint8Array {
  for (const count of [hour.fixes, hour.late, hour.beyond, hour.heard]) writer.u32(count);
  writer.u8(hour.isFinal ? 1 : 0);
  writer.u32(hour.withEngine);
  return writer.finish();
}

function decode(tenantId: string, start: number, bytes: Uint8Array): Hour {
  const reader = new ByteReader(bytes);
  const [fixes, late, beyond, heard] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
  const isFinal = reader.u8() === 1;
  // Hours that an older version saved end here.
  const withEngine = reader.isAtEnd() ? 0 : reader.u32();
  const key = keyOf(tenantId, start);
  const counts = { start, key, fixes, late, beyond, heard, withEngine, isFinal };
  return { ...counts, units: new Map(), isDue: !isFinal };
}

function begun(tenantId: string, start: number): Hour {
  const counts = { fixes: 0, late: 0, beyond: 0, heard: 0, withEngine: 0 };
  return {
    start,
    key: keyOf(tenantId, start),
    ...counts,
    units: new Map(),
    isFinal: false,
    isDue: true,
  };
}

/**
 * See HourCounts. Keys of the store: `hours/<tenant>/<hour>` counts, `hours/<tenant>/<hour>/<unit>` a unit
 * that was heard, until the hour is final: one small record per unit and hour; one byte = it has an engine signal.
 */
export function createHourCounts(store: KeyedStore<Uint8Array>, task: number): HourCounts {
  const tenants = new Map<string, TenantHours>();
  /** Counted since the last save, by key. */
  const unsaved = new Map<string, Hour>();

  function tenantAt(tenantId: string): TenantHours {
    const known = tenants.get(tenantId);
    if (known !== undefined) return known;
    const made = { hours: new Map<number, Hour>(), publishedAt: -Infinity, filledTo: -Infinity };
    tenants.set(tenantId, made);
    return made;
  }

  function hourAt(tenantId: string, time: number): Hour {
    const start = Math.floor(time / HOUR_MS) * HOUR_MS;
    const { hours } = tenantAt(tenantId);
    const known = hours.get(start);
    if (known !== undefined) return known;
    const made = begun(tenantId, start);
    hours.set(start, made);
    return made;
  }

  function hear(tenantId: string, hour: Hour, unit: string, saysEngine: boolean): void {
    const before = hour.units.get(unit);
    if (hour.isFinal || before === true || before === saysEngine) return;
    if (before === undefined) hour.heard += 1;
    if (saysEngine) hour.withEngine += 1;
    hour.units.set(unit, saysEngine);
    store.put(keyOf(tenantId, hour.start, unit), new Uint8Array(saysEngine ? 1 : 0));
  }

  /** Hours that T has passed and in which nobody was heard: all units of the task were silent. */
  function addSilent(tenantId: string, clock: number): void {
    const tenant = tenantAt(tenantId);
    const { hours } = tenant;
    if (tenant.filledTo === -Infinity) {
      // What came beyond grace may be months older than anything that was heard in time.
      const heard = [...hours.values()].filter(({ fixes }) => fixes > 0);
      if (heard.length === 0) return;
      tenant.filledTo = Math.min(...heard.map(({ start }) => start));
    }
    const kept = clock - (clock % HOUR_MS) - KEPT_MS;
    for (
      let start = Math.max(tenant.filledTo, kept) + HOUR_MS;
      start + HOUR_MS <= clock;
      start += HOUR_MS
    ) {
      tenant.filledTo = start;
      if (!hours.has(start)) unsaved.set(keyOf(tenantId, start), hourAt(tenantId, start));
    }
  }

  function close(tenantId: string, hour: Hour): void {
    hour.isFinal = true;
    hour.isDue = true;
    for (const unit of hour.units.keys()) store.delete(keyOf(tenantId, hour.start, unit));
    hour.units.clear();
    unsaved.set(hour.key, hour);
  }

  function eventOf(hour: Hour, { rules, clock, units, pending }: PublishHours): HourCounted {
    const date = businessDate(hour.start, rules.timeZone);
    return {
      tenant_id: rules.tenantId,
      hour_time: hour.start,
      task,
      revision: clock,
      fixes: hour.fixes,
      late_fixes: hour.late,
      beyond_grace_fixes: hour.beyond,
      units_heard: hour.heard,
      units_silent: Math.max(0, units - hour.heard),
      pending_proposals: pending(date),
      final: hour.isFinal,
      units_without_engine: rules.publishes.idle ? hour.heard - hour.withEngine : null,
    };
  }

  return {
    load: () => {
      for (const [key, value] of store.entries()) {
        const [kind, tenantId = '', start = '', unit] = key.split('/');
        if (kind !== 'hours') continue;
        const { hours } = tenantAt(tenantId);
        if (unit === undefined) {
          const units = hours.get(Number(start))?.units ?? [];
          const hour = decode(tenantId, Number(start), value);
          for (const [heard, saysEngine] of units) hour.units.set(heard, saysEngine);
          hours.set(Number(start), hour);
        } else hourAt(tenantId, Number(start)).units.set(unit, value.length > 0);
      }
    },
    count: (tenantId, unit, { time, saysEngine, how }) => {
      const hour = hourAt(tenantId, time);
      if (how === 'beyond_grace') hour.beyond += 1;
      else {
        hour.fixes += 1;
        if (how === 'late') hour.late += 1;
        hear(tenantId, hour, unit, saysEngine);
      }
      unsaved.set(hour.key, hour);
      hour.isDue = true;
    },
    touch: (tenantId, from, to) => {
      for (const hour of tenantAt(tenantId).hours.values()) {
        if (hour.start + HOUR_MS > from && hour.start < to) hour.isDue = true;
      }
    },
    save: () => {
      for (const [key, hour] of unsaved) store.put(key, encode(hour));
      unsaved.clear();
    },
    publish: (about) => {
      const { rules, clock, out } = about;
      const { tenantId } = rules;
      const tenant = tenantAt(tenantId);
      const { publishedAt: before } = tenant;
      if (clock < before + PAUSE_MS) return;
      tenant.publishedAt = clock;
      addSilent(tenantId, clock);
      for (const hour of tenant.hours.values()) {
        const end = hour.start + HOUR_MS;
        if (!hour.isFinal && clock >= end + rules.graceMs + rules.marginMs) close(tenantId, hour);
        const key = `${tenantId}/${hour.start}/${task}`;
        const where = { topic: topics.hourCount, key, partition: task };
        // Let go before and begun anew by what is that late: it would take the place of all that was counted.
        const isForgotten = before >= end + KEPT_MS;
        if (hour.isDue && !isForgotten) {
          const value = eventOf(hour, about);
          out.emit({ ...where, message: { type: 'HourCounted', value } as const });
          hour.isDue = false;
        }
        if (clock < end + KEPT_MS) continue;
        if (!isForgotten) out.emit({ ...where, message: null });
        tenant.hours.delete(hour.start);
        unsaved.delete(hour.key);
        store.delete(hour.key);
      }
    },
  };
}
