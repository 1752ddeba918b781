import { toFault } from '@waybill/fault';
import type { TenantModel } from '@waybill/tenant';
import { resolvePlan } from './core/driver-plan.ts';
import type { Ports } from './ports.ts';
import { repeat, type Repeated } from './repeat.ts';

/** Unmapped ids that a log line names. */
const NAMED = 10;

/**
 * Reads the plans of tenants that use planned drivers from their ERPs and publishes units whose plan
 * changed. One tenant's trouble is a log line and holds nobody else.
 */
export function startDriverPlans(ports: Ports, wake: () => void): Repeated {
  const { control, readPlan, logger, metrics, now } = ports;
  /** Last unmapped ids said, by tenant: a line appears when they change. */
  const said = new Map<string, string>();

  async function refresh(model: TenantModel): Promise<void> {
    const { tenant_id: tenant, erp } = model;
    const rows = await readPlan(model);
    const ids = await control.mappings(tenant);
    const { units, unmapped } = resolvePlan(rows, ids, erp.driver_plan?.driver_is ?? 'id');
    const changed = await control.storePlan(tenant, units, now());
    if (changed > 0) {
      wake();
      metrics.planned(changed);
      logger.info({ tenant_id: tenant, plans: rows.length, units: changed }, 'plan.published');
    }
    const names = [...unmapped].sort();
    if (said.get(tenant) === names.join()) return;
    said.set(tenant, names.join());
    if (names.length === 0) return;
    const fields = { tenant_id: tenant, count: names.length, ids: names.slice(0, NAMED) };
    logger.warn(fields, 'plan.unmapped');
  }

  async function look(): Promise<void> {
    for (const { tenant_id: tenant } of await control.tenants()) {
      const model = await control.model(tenant);
      if (model?.detection.use_planned_drivers !== true) continue;
      try {
        await refresh(model);
      } catch (error) {
        const { code, message } = toFault(error, 'decide');
        logger.warn({ tenant_id: tenant, code, message }, 'plan.delayed');
      }
    }
  }

  return repeat({ name: 'plans', pauseMs: ports.planPauseMs, look, logger });
}
