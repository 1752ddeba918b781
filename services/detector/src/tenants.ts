import { topics } from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import { isFault } from '@waybill/fault';
import type { TaskContext } from '@waybill/stream';
import { bufferPages } from './buffer-pages.ts';
import type { Rules } from './core/rules.ts';
import { newUnit } from './core/unit.ts';
import { Held, type HotUnits, type ReadUnit } from './held.ts';
import type { DetectorMetrics } from './metrics.ts';
import type { DetectorLogger } from './ports.ts';
import { rulesOf, rulesOfUnit } from './tenant-rules.ts';
import {
  bind,
  bindUnit,
  boundOf,
  clockOf,
  graceAt,
  gracesOf,
  rebasedOn,
  unitBoundOf,
  type Bound,
  type TenantState,
} from './tenant-state.ts';
import type { Turn } from './turn.ts';
import { loadUnit, unitsIn } from './unit-store.ts';

/** The tenants and units of one task, decoded from its store. */
export interface Tenants {
  /** Forgets everything and reads the store: at the start, and when it dropped changes. */
  readonly load: () => void;
  readonly of: (tenantId: string) => TenantState;
  readonly all: () => IterableIterator<TenantState>;
  /** First offset of the input that the units' retained fixes came with; Infinity for none. */
  readonly firstOffset: () => number;
  /** The grace that a position of that offset was judged by; undefined = it was not applied. */
  readonly graceAt: (tenantId: string, offset: number) => number | undefined;
  /** The unit; made when it is seen for the first time. */
  readonly unitOf: (tenant: TenantState, name: string) => Held;
  /**
   * A table changed: the rules of the tenant, or of that unit alone, are looked at again by the next
   * `refresh`.
   */
  readonly markStale: (tenantId: string, unit?: string) => void;
  /** What a unit is folded with; undefined while the tenant has no configuration. */
  readonly rulesOf: (tenant: TenantState, held: Held) => Rules | undefined;
  /** Builds stale rules anew and re-cuts the units that were folded with others. */
  readonly refresh: (tenant: TenantState, turn: Turn) => void;
}

/** What the units of a task are read and told with. */
interface TenantsSetting {
  readonly logger: DetectorLogger;
  readonly metrics: DetectorMetrics;
  readonly hot: HotUnits;
}

/** See Tenants. */
export function createTenants(
  { store, buffers, tables }: Pick<TaskContext<Uint8Array>, 'store' | 'buffers' | 'tables'>,
  { logger, metrics, hot }: TenantsSetting,
): Tenants {
  const tenants = new Map<string, TenantState>();

  function of(tenantId: string): TenantState {
    let tenant = tenants.get(tenantId);
    if (tenant === undefined) {
      tenant = {
        tenantId,
        rules: undefined,
        isStale: true,
        clock: undefined,
        units: new Map(),
        staleUnits: new Set(),
        graces: undefined,
      };
      tenants.set(tenantId, tenant);
    }
    return tenant;
  }

  /** The rules by the tables; undefined when the tenant has no configuration. */
  function freshRules({ tenantId, rules }: TenantState): Rules | undefined {
    const configured = tables.get(topics.tenantConfig, tenantId);
    if (configured === undefined) return undefined;
    try {
      return rulesOf(configured.value, tables);
    } catch (error) {
      if (rules === undefined || !isFault(error)) throw error;
      // A refused version leaves the last good one active.
      const { code, message } = error;
      logger.error({ tenant_id: tenantId, code, detail: message }, 'tenant.refused');
      return rules;
    }
  }

  /** Names and counts what is wrong with zones: a zone that nobody can enter is no reason to stop. */
  function reportZones({ tenantId, zones }: Rules): void {
    for (const { area, problem } of zones.problems) {
      const { zoneId, validFrom } = area;
      const since = validFrom === -Infinity ? null : new Date(validFrom).toISOString();
      logger.error(
        { tenant_id: tenantId, geofence_id: zoneId, since, flaw: problem },
        'zone.flawed',
      );
      metrics.flaw(problem);
    }
  }

  function reportSettings(unit: string, { tenantId, unitFlaws }: Rules): void {
    for (const flaw of unitFlaws) {
      logger.error({ tenant_id: tenantId, unit, flaw }, 'settings.flawed');
      metrics.flaw(flaw);
    }
  }

  function rebind(tenant: TenantState, rules: Rules, turn: Turn): void {
    const { tenantId, units } = tenant;
    const bound = boundOf(store, tenantId);
    if (bound?.fingerprint === rules.fingerprint) return;
    bind(store, rules);
    reportZones(rules);
    for (const held of units.values()) {
      recut(tenant, held, rules, bound, turn);
    }
    const facts = { version: rules.version, zones: rules.zones.ids.length, units: units.size };
    logger.info({ tenant_id: tenantId, ...facts }, 'rules.bound');
  }

  function recut(
    tenant: TenantState,
    held: Held,
    rules: Rules,
    bound: Bound | undefined,
    turn: Turn,
  ): void {
    const { timeline } = held.unit;
    timeline.rebase(rebasedOn(timeline.base, rules, bound));
    held.unit.unsaved = true;
    turn.touch(tenant, held).binding = { changedTime: rules.changedTime };
  }

  /** Units whose own tables changed: only they are cut again, and only when a result depends on it. */
  function rebindUnits(tenant: TenantState, rules: Rules, turn: Turn): void {
    const { tenantId, units, staleUnits } = tenant;
    for (const name of staleUnits) {
      const held = units.get(name);
      if (held === undefined) continue;
      const own = rulesOfUnit(rules, name, tables);
      held.rules = own;
      if (unitBoundOf(store, tenantId, name) === own.unit.fingerprint) continue;
      bindUnit(store, own, name);
      reportSettings(name, own);
      const { changedTime } = own.unit;
      recut(tenant, held, { ...own, changedTime }, boundOf(store, tenantId), turn);
    }
    staleUnits.clear();
  }

  /** Other rules: units look them up anew, and days that wait beyond grace are looked at when that is new. */
  function renew(tenant: TenantState, rules: Rules, before: Rules | undefined, turn: Turn): void {
    const asksForLate = rules.recomputesLate && before?.recomputesLate !== true;
    // What was not looked at before may be wrong; after a restart it was said.
    const asksForSettings =
      (rules.wantsUnitTrip && before?.wantsUnitTrip === false) ||
      (rules.publishes.serviceDue && before?.publishes.serviceDue === false);
    for (const held of tenant.units.values()) {
      held.rules = asksForSettings ? rulesOfUnit(rules, held.unit.name, tables) : undefined;
      if (held.rules !== undefined) reportSettings(held.unit.name, held.rules);
      if (asksForLate && held.unit.buckets.size > 0) turn.touch(tenant, held);
    }
  }

  /** A packed unit as objects. */
  function reading(tenantId: string, unit: string): ReadUnit {
    return (live) => loadUnit({ store, buffers }, tenantId, unit, live).unit;
  }

  return {
    load: () => {
      tenants.clear();
      hot.clear();
      for (const { tenantId, unit } of unitsIn(store)) {
        // Due at once: what T closed meanwhile is found by the first sweep.
        const tenant = of(tenantId);
        const loaded = loadUnit({ store, buffers }, tenantId, unit);
        const held = new Held(loaded, -Infinity, hot, reading(tenantId, unit));
        tenant.units.set(unit, held);
        // Its tables may have changed while nobody looked.
        tenant.staleUnits.add(unit);
      }
    },
    of,
    all: () => tenants.values(),
    firstOffset: () => {
      let first = Infinity;
      for (const { units } of tenants.values()) {
        for (const { named } of units.values()) {
          for (const { firstOffset } of named) first = Math.min(first, firstOffset);
        }
      }
      return first;
    },
    graceAt: (tenantId, offset) => {
      const tenant = of(tenantId);
      tenant.graces ??= gracesOf(store, tenantId);
      return graceAt(tenant.graces, offset);
    },
    unitOf: (tenant, name) => {
      let held = tenant.units.get(name);
      if (held === undefined) {
        const pages = bufferPages(buffers, taskKey(tenant.tenantId, name));
        const unit = newUnit(tenant.tenantId, name, pages);
        const saved = { unit, named: [] };
        held = new Held(saved, Infinity, hot, reading(tenant.tenantId, name));
        tenant.units.set(name, held);
        if (tenant.rules !== undefined) {
          held.rules = rulesOfUnit(tenant.rules, name, tables);
          bindUnit(store, held.rules, name);
          reportSettings(name, held.rules);
        }
      }
      return held;
    },
    markStale: (tenantId, unit) => {
      const tenant = tenants.get(tenantId);
      if (unit !== undefined) tenant?.staleUnits.add(unit);
      else if (tenant !== undefined) tenant.isStale = true;
    },
    rulesOf: (tenant, held) => {
      if (tenant.rules === undefined) return undefined;
      held.rules ??= rulesOfUnit(tenant.rules, held.unit.name, tables);
      return held.rules;
    },
    refresh: (tenant, turn) => {
      if (tenant.isStale) {
        const rules = freshRules(tenant);
        const before = tenant.rules;
        tenant.rules = rules;
        tenant.isStale = false;
        if (rules === undefined) return;
        tenant.clock = clockOf(store, rules);
        if (rules !== before) renew(tenant, rules, before, turn);
        rebind(tenant, rules, turn);
      }
      if (tenant.rules !== undefined && tenant.staleUnits.size > 0) {
        rebindUnits(tenant, tenant.rules, turn);
      }
    },
  };
}
