import type { Routes } from '@waybill/runtime';
import { assess, summaryOf } from './core/completeness.ts';
import { reconcilerFault } from './errors.ts';
import type { Ports } from './ports.ts';
import { reconcile, type Reconciliation } from './reconcile.ts';
import type { Tenants } from './tenants.ts';

function tenantOf(body: Buffer): string {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    value = undefined;
  }
  const tenant: unknown =
    typeof value === 'object' && value !== null && 'tenant' in value ? value.tenant : undefined;
  if (typeof tenant === 'string' && tenant !== '') return tenant;
  throw reconcilerFault('REQUEST_MALFORMED', 'expected a JSON body {"tenant": "<id>"}');
}

/** Findings of the last comparison of a tenant in this process. */
function summary({ compared_time, entities }: Reconciliation): Record<string, number> {
  const sum = (count: (entity: Reconciliation['entities'][number]) => number): number =>
    entities.reduce((total, entity) => total + count(entity), 0);
  return {
    compared_time,
    gaps: sum(({ gaps }) => gaps),
    drift: sum(({ drift }) => drift),
    orphans: sum(({ orphans }) => orphans),
  };
}

/** Hours that a report sums, and most that one answer lists. */
const REPORTED_HOURS = 24;
const LISTED_HOURS = 960;

function hoursOf(url: URL): { readonly tenant: string; readonly limit: number } {
  const tenant = url.searchParams.get('tenant') ?? '';
  const limit = Number(url.searchParams.get('hours') ?? REPORTED_HOURS);
  if (tenant !== '' && Number.isInteger(limit) && limit >= 1 && limit <= LISTED_HOURS) {
    return { tenant, limit };
  }
  const expected = `expected ?tenant=<id>[&hours=<1 to ${LISTED_HOURS}>]`;
  throw reconcilerFault('REQUEST_MALFORMED', `${expected}, found ${url.search}`);
}

/** GET /report?tenant=, GET /completeness?tenant=&hours= and POST /reconcile {tenant}. */
export function createRoutes(tenants: Tenants, ports: Ports): Routes {
  const last = new Map<string, Reconciliation>();
  const running = new Map<string, Promise<Reconciliation>>();

  const run = async (tenant: string): Promise<Reconciliation> => {
    const model = tenants.model(tenant);
    if (model === undefined) {
      throw reconcilerFault(
        'TENANT_UNKNOWN',
        `no tenant ${tenant} is applied; run waybill tenant apply`,
      );
    }
    const result = await reconcile(model, tenants.resolver(tenant), ports);
    last.set(tenant, result);
    const { compared_time: _time, ...counts } = summary(result);
    const duration_ms = ports.now() - result.compared_time;
    ports.logger.info({ tenant_id: tenant, ...counts, duration_ms }, 'reconciliation.finished');
    return result;
  };

  return {
    'GET /report': async (url) => {
      const { tenants: reports, ...rest } = await ports.ledger.report(
        url.searchParams.get('tenant'),
      );
      const withLast = await Promise.all(
        reports.map(async (report) => {
          const result = last.get(report.tenant_id);
          const hours = await ports.ledger.hours(report.tenant_id, REPORTED_HOURS);
          return {
            ...report,
            // Unknown is never zero: before the first count or comparison there is no number.
            completeness: summaryOf(hours.map(assess)) ?? null,
            last_reconciliation: result === undefined ? null : summary(result),
          };
        }),
      );
      return { status: 200, body: { generated_time: ports.now(), tenants: withLast, ...rest } };
    },
    'GET /completeness': async (url) => {
      const { tenant, limit } = hoursOf(url);
      const hours = await ports.ledger.hours(tenant, limit);
      return { status: 200, body: { hours: hours.map(assess) } };
    },
    'POST /reconcile': async (_url, body) => {
      const tenant = tenantOf(body);
      // Whoever asks while a comparison runs gets that one: an ERP is read by one of us at a time.
      const result = running.get(tenant) ?? run(tenant).finally(() => running.delete(tenant));
      running.set(tenant, result);
      return { status: 200, body: await result };
    },
  };
}
