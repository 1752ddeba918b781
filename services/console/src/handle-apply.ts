import type { Route } from '@waybill/runtime';
import { checkModel, loadTenant, type LoadedTenant } from '@waybill/tenant';
import { consoleFault } from './errors.ts';
import type { Ports } from './ports.ts';
import { malformed, readActor, readIdMap, readObject } from './read-request.ts';

const PATH = /^\/tenants\/([^/]+)\/apply$/;

async function readFiles(body: Readonly<Record<string, unknown>>): Promise<LoadedTenant> {
  const { dir, model } = body;
  if (typeof dir === 'string' && dir !== '' && model === undefined) return loadTenant(dir);
  if (dir === undefined && model !== undefined) {
    return { model: checkModel(model), idmap: readIdMap(body['idmap']) };
  }
  throw malformed('expected {"dir": "<folder on this machine>"} or {"model": …, "idmap": […]}');
}

/**
 * POST /tenants/<id>/apply: checks the files, stores them as a new version when they changed, adds the
 * ids of idmap.csv that nobody decided about yet, and publishes both. Ids that are there stay as they
 * are, deleted ones too: after the first load the map belongs to the operator.
 */
export function createApply({ control, logger, metrics }: Ports, wake: () => void): Route {
  return async (url, bytes) => {
    const tenant = PATH.exec(url.pathname)?.[1];
    if (tenant === undefined) return { status: 404, body: { code: 'NOT_FOUND' } };
    const body = readObject(bytes);
    const { model, idmap } = await readFiles(body);
    if (model.tenant_id !== tenant) {
      throw consoleFault(
        'TENANT_MISMATCH',
        `the files are about ${model.tenant_id}, the path about ${tenant}`,
      );
    }
    const by = readActor(body);
    const applied = await control.apply(model, idmap, by);
    wake();
    if (applied.changed) metrics.decided('tenant.applied');
    logger.info({ ...applied, by }, 'tenant.applied');
    return { status: 200, body: applied };
  };
}
