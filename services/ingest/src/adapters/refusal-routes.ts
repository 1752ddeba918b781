import type { Routes } from '@waybill/runtime';
import { denialReasons } from '../core/denial.ts';
import type { RecordedRefusal, RefusalLog } from '../ports.ts';

const BASE = '/refusals';

/** A row as it is answered: with the sentence that explains its reason. */
function explained(row: RecordedRefusal): object {
  const meanings: Readonly<Record<string, string>> = denialReasons;
  return { ...row, meaning: meanings[row.reason] ?? 'a reason of another version of the software' };
}

/**
 * The audit on the internal port: `GET /refusals/<Request-Id>`, and `GET /refusals?tenant=&source=` for
 * the newest.
 */
export function refusalRoutes(refusals: Pick<RefusalLog, 'find' | 'newest'>): Routes {
  return {
    [`GET ${BASE}`]: async ({ searchParams }) => {
      const [tenant, source] = ['tenant', 'source'].map((name) => searchParams.get(name));
      const rows = await refusals.newest(tenant ?? undefined, source ?? undefined);
      return { status: 200, body: { refusals: rows.map(explained) } };
    },
    [`GET ${BASE}/*`]: async ({ pathname }) => {
      const rows = await refusals.find(pathname.slice(BASE.length + 1));
      return { status: 200, body: { refusals: rows.map(explained) } };
    },
  };
}
