import { ByteReader, ByteWriter } from './core/bytes.ts';
import type { FoldState } from './core/fold.ts';
import type { Rules } from './core/rules.ts';
import type { Unit } from './core/unit.ts';
import type { KeyedStore } from '@waybill/stream';

type Store = KeyedStore<Uint8Array>;

/** A unit in memory, and when T makes it due although no fix arrives. */
export interface Held {
  readonly unit: Unit;
  due: number;
}

/** A tenant as one task sees it. */
export interface TenantState {
  readonly tenantId: string;
  /** Undefined while the tenant has no configuration. */
  rules: Rules | undefined;
  /** Tables changed since `rules` was built. */
  isStale: boolean;
  /** T: lowest progress of the pull sources; undefined while one of them was never heard of. */
  clock: number | undefined;
  readonly units: Map<string, Held>;
}

function clockKey(tenantId: string, sourceId: string): string {
  return `clock/${tenantId}/${sourceId}`;
}

/** Notes a source's progress; it never goes back. */
export function advanceClock(store: Store, tenantId: string, sourceId: string, to: number): void {
  const key = clockKey(tenantId, sourceId);
  const saved = store.get(key);
  if (saved !== undefined && new ByteReader(saved).f64() >= to) return;
  const writer = new ByteWriter();
  writer.f64(to);
  store.put(key, writer.finish());
}

/** T of a tenant; undefined holds it: nothing closes by silence, nothing is trimmed. */
export function clockOf(store: Store, rules: Rules): number | undefined {
  let lowest = Infinity;
  for (const sourceId of rules.pullSources) {
    const saved = store.get(clockKey(rules.tenantId, sourceId));
    if (saved === undefined) return undefined;
    lowest = Math.min(lowest, new ByteReader(saved).f64());
  }
  return lowest === Infinity ? undefined : lowest;
}

/** The rules that a tenant's units were last folded with. */
export interface Bound {
  readonly fingerprint: string;
  readonly zoneIds: readonly string[];
}

export function boundOf(store: Store, tenantId: string): Bound | undefined {
  const saved = store.get(`rules/${tenantId}/bound`);
  if (saved === undefined) return undefined;
  const reader = new ByteReader(saved);
  return { fingerprint: reader.text(), zoneIds: reader.list(() => reader.text()) };
}

/** Notes that the tenant's units are folded with these rules. */
export function bind(store: Store, rules: Rules): void {
  const writer = new ByteWriter();
  writer.text(rules.fingerprint);
  writer.list(rules.zones.ids, (id) => writer.text(id));
  store.put(`rules/${rules.tenantId}/bound`, writer.finish());
}

/**
 * The base of a unit under changed zones. Whether the unit was inside a zone that nobody knew of then
 * cannot be told from the state that is left, so its next fix only sets the state; a zone that is gone
 * is forgotten.
 */
export function rebasedOn(base: FoldState, rules: Rules, bound: Bound | undefined): FoldState {
  const known = new Set(bound?.zoneIds);
  const present = new Set(rules.zones.ids);
  const kept = base.presences.filter((presence) => present.has(presence.zoneId));
  if (base.last === undefined) return { ...base, presences: kept };
  const added = rules.zones.ids.filter((zoneId) => !known.has(zoneId));
  return {
    ...base,
    presences: [...kept, ...added.map((zoneId) => ({ kind: 'unset' as const, zoneId }))],
  };
}
