import type { ErpAdapter } from '@waybill/erp';
import type { Fault } from '@waybill/fault';
import type { TenantModel } from '@waybill/tenant';
import type { OpenErp } from './ports.ts';

/** Writes may start this much before their turn: timers are not finer. */
const PACE_SLACK_MS = 5;

/** Open ERP adapters by tenant. */
export interface Targets {
  /**
   * Runs `work` with the tenant's ERP, which is opened when first asked for, and not before its turn by
   * `erp.max_writes_per_s`. Throws Fault misconfigured for a missing secret, and what `work` throws.
   */
  readonly use: <R>(
    model: TenantModel,
    now: number,
    work: (erp: ErpAdapter) => Promise<R>,
  ) => Promise<R>;
  /** The next use reads tenant file and secret again; the old adapter is closed after its last use. */
  readonly forget: (tenantId: string) => void;
  /** Closes all adapters; call it when nothing is in use. */
  readonly close: () => Promise<void>;
}

interface Target {
  readonly opening: Promise<ErpAdapter>;
  uses: number;
  isForgotten: boolean;
}

/** Faults that a rotated secret can cure: the adapter is opened anew for the next attempt. */
export function isAccessFault(fault: Fault): boolean {
  return fault.kind === 'misconfigured' && fault.category === 'authentication';
}

/** An adapter that never opened has nothing to close. */
async function closeTarget({ opening }: Target): Promise<void> {
  await opening.then((erp) => erp.close()).catch(() => undefined);
}

export function createTargets(openErp: OpenErp): Targets {
  const targets = new Map<string, Target>();
  const nextWrite = new Map<string, number>();
  const targetOf = (model: TenantModel): Target => {
    const known = targets.get(model.tenant_id);
    if (known !== undefined) return known;
    const target = { opening: openErp(model), uses: 0, isForgotten: false };
    targets.set(model.tenant_id, target);
    target.opening.catch(() => {
      if (targets.get(model.tenant_id) === target) targets.delete(model.tenant_id);
    });
    return target;
  };
  const pace = async ({ tenant_id, erp }: TenantModel, now: number): Promise<void> => {
    const turn = Math.max(nextWrite.get(tenant_id) ?? 0, now);
    nextWrite.set(tenant_id, turn + 1000 / erp.max_writes_per_s);
    if (turn - now <= PACE_SLACK_MS) return;
    await new Promise((resolve) => {
      setTimeout(resolve, turn - now);
    });
  };
  return {
    use: async (model, now, work) => {
      const target = targetOf(model);
      target.uses += 1;
      try {
        const erp = await target.opening;
        await pace(model, now);
        return await work(erp);
      } finally {
        target.uses -= 1;
        if (target.isForgotten && target.uses === 0) void closeTarget(target);
      }
    },
    forget: (tenantId) => {
      const target = targets.get(tenantId);
      if (target === undefined) return;
      targets.delete(tenantId);
      target.isForgotten = true;
      if (target.uses === 0) void closeTarget(target);
    },
    close: async () => {
      await Promise.all([...targets.values()].map(closeTarget));
      targets.clear();
    },
  };
}
