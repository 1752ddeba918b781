import { topics } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import type { KeyedStore, TableReader } from '@waybill/stream';
import type { Rules } from './core/rules.ts';
import { newUnit } from './core/unit.ts';
import type { DetectorLogger } from './ports.ts';
import { rulesOf } from './tenant-rules.ts';
import { bind, boundOf, clockOf, rebasedOn, type Held, type TenantState } from './tenant-state.ts';
import type { Turn } from './turn.ts';
import { loadUnit, unitsIn } from './unit-store.ts';

/** The tenants and units of one task, decoded from its store. */
export interface Tenants {
  /** Forgets everything and reads the store: at the start, and when it dropped changes. */
  readonly load: () => void;
  readonly of: (tenantId: string) => TenantState;
  readonly all: () => IterableIterator<TenantState>;
  /** The unit; made when it is seen for the first time. */
  readonly unitOf: (tenant: TenantState, name: string) => Held;
  /** A table changed: the tenant's rules are looked at again by the next `refresh`. */
  readonly markStale: (tenantId: string) => void;
  /** Builds stale rules anew and re-cuts the units that were folded with others. */
  readonly refresh: (tenant: TenantState, turn: Turn) => void;
}

/** See Tenants. */
export function createTenants(
  store: KeyedStore<Uint8Array>,
  tables: TableReader,
  logger: DetectorLogger,
): Tenants {
  const tenants = new Map<string, TenantState>();

  function of(tenantId: string): TenantState {
    let tenant = tenants.get(tenantId);
    if (tenant === undefined) {
      tenant = { tenantId, rules: undefined, isStale: true, clock: undefined, units: new Map() };
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

  function rebind(tenant: TenantState, rules: Rules, turn: Turn): void {
    const { tenantId, units } = tenant;
    const bound = boundOf(store, tenantId);
    if (bound?.fingerprint === rules.fingerprint) return;
    bind(store, rules);
    for (const held of units.values()) {
      const { timeline } = held.unit;
      timeline.rebase(rebasedOn(timeline.base, rules, bound));
      held.unit.unsaved = true;
      turn.touch(tenant, held).binding = { changedTime: rules.changedTime };
    }
    const facts = { version: rules.version, zones: rules.zones.ids.length, units: units.size };
    logger.info({ tenant_id: tenantId, ...facts }, 'rules.bound');
  }

  return {
    load: () => {
      tenants.clear();
      for (const { tenantId, unit } of unitsIn(store)) {
        // Due at once: what T closed meanwhile is found by the first sweep.
        of(tenantId).units.set(unit, { unit: loadUnit(store, tenantId, unit), due: -Infinity });
      }
    },
    of,
    all: () => tenants.values(),
    unitOf: (tenant, name) => {
      let held = tenant.units.get(name);
      if (held === undefined) {
        held = { unit: newUnit(tenant.tenantId, name), due: Infinity };
        tenant.units.set(name, held);
      }
      return held;
    },
    markStale: (tenantId) => {
      const tenant = tenants.get(tenantId);
      if (tenant !== undefined) tenant.isStale = true;
    },
    refresh: (tenant, turn) => {
      if (!tenant.isStale) return;
      const rules = freshRules(tenant);
      tenant.rules = rules;
      tenant.isStale = false;
      if (rules === undefined) return;
      tenant.clock = clockOf(store, rules);
      rebind(tenant, rules, turn);
    },
  };
}
