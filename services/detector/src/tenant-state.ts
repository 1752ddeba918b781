import { ByteReader, ByteWriter } from './core/bytes.ts';
import type { FoldState } from './core/fold.ts';
import { RULES } from './core/rule-list.ts';
import type { Rules } from './core/rules.ts';
import type { KeyedStore } from '@waybill/stream';
import type { Held } from './held.ts';

type Store = KeyedStore<Uint8Array>;

/** A tenant as one task sees it. */
export interface TenantState {
  readonly tenantId: string;
  /** Undefined while the tenant has no configuration. */
  rules: Rules | undefined;
  /** Tables changed since `rules` was built. */
  isStale: boolean;
  /** Units whose own tables changed since they were folded. */
  readonly staleUnits: Set<string>;
  /** T: lowest progress of the pull sources; undefined while one of them was never heard of. */
  clock: number | undefined;
  readonly units: Map<string, Held>;
  /** Read when it is asked for. */
  graces: readonly GraceSince[] | undefined;
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

/** Which grace held from which offset of the input on: what comes back is accepted as it was then. */
export interface GraceSince {
  readonly offset: number;
  readonly graceMs: number;
}

/** Changes of grace that are remembered; a later rebuild than so many changes is none. */
const GRACES = 16;

/** Oldest first; empty for a tenant of which no position was handled. */
export function gracesOf(store: Store, tenantId: string): readonly GraceSince[] {
  const saved = store.get(`rules/${tenantId}/grace`);
  if (saved === undefined) return [];
  const reader = new ByteReader(saved);
  return reader.list(() => ({ offset: reader.f64(), graceMs: reader.f64() }));
}

/** Notes the grace that a position is judged by. */
export function noteGrace(
  store: Store,
  tenant: TenantState,
  graceMs: number,
  offset: number,
): void {
  const graces = tenant.graces ?? gracesOf(store, tenant.tenantId);
  const [first, ...later] = graces;
  let next = graces;
  if (graces.at(-1)?.graceMs !== graceMs) next = [...graces, { offset, graceMs }].slice(-GRACES);
  // Only a rework looks at older positions.
  else if (first !== undefined && offset < first.offset) next = [{ ...first, offset }, ...later];
  tenant.graces = next;
  if (next === graces) return;
  const writer = new ByteWriter();
  writer.list(next, (since) => {
    writer.f64(since.offset);
    writer.f64(since.graceMs);
  });
  store.put(`rules/${tenant.tenantId}/grace`, writer.finish());
}

/** The grace that a position of that offset was judged by; undefined = it was not applied. */
export function graceAt(graces: readonly GraceSince[], offset: number): number | undefined {
  return graces.findLast((since) => since.offset <= offset)?.graceMs;
}

function unitBoundKey(tenantId: string, unit: string): string {
  return `bound/${tenantId}/${unit}`;
}

/** Fingerprint of the unit's own settings that it was last folded with; '' = of none. */
export function unitBoundOf(store: Store, tenantId: string, unit: string): string {
  const saved = store.get(unitBoundKey(tenantId, unit));
  return saved === undefined ? '' : new ByteReader(saved).text();
}

/** Notes which settings of its own a unit is folded with. */
export function bindUnit(store: Store, rules: Rules, unit: string): void {
  const key = unitBoundKey(rules.tenantId, unit);
  if (rules.unit.fingerprint === '') {
    // A tombstone for what was never there would be written for every unit.
    if (store.get(key) !== undefined) store.delete(key);
    return;
  }
  const writer = new ByteWriter();
  writer.text(rules.unit.fingerprint);
  store.put(key, writer.finish());
}

/** The base of a unit under changed settings: what the rules go on from. */
export function rebasedOn(base: FoldState, rules: Rules, bound: Bound | undefined): FoldState {
  const border = {
    located: base.located,
    knownZones: new Set(bound?.zoneIds),
    zones: rules.zones.ids,
  };
  const states = RULES.map((rule, i) => {
    if (!rule.isWanted(rules)) return rule.start;
    return rule.rebased?.(base.states[i], border) ?? base.states[i];
  });
  return { ...base, states };
}
