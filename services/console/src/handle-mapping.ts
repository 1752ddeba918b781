import type { IdMapped } from '@waybill/contracts';
import type { Route } from '@waybill/runtime';
import { checkIntervals } from './core/intervals.ts';
import { consoleFault } from './errors.ts';
import type { Ports } from './ports.ts';
import { malformed, readActor, readMapping, readObject } from './read-request.ts';

/** The mapping with instants as text. */
function shown(mapping: IdMapped): object {
  const text = (ms: number | null): string | null =>
    ms === null ? null : new Date(ms).toISOString();
  return {
    ...mapping,
    intervals: mapping.intervals.map(({ erp_id, valid_from_time: from, valid_to_time: to }) => ({
      erp_id,
      valid_from: text(from),
      valid_to: text(to),
    })),
  };
}

/** POST /mappings: replaces all intervals of one id; no interval deletes it softly. */
export function createMapping({ control, logger, metrics }: Ports, wake: () => void): Route {
  return async (_url, bytes) => {
    const body = readObject(bytes);
    const { tenantId, entity, telematics_id: telematicsId, intervals } = readMapping(body);
    const checked = checkIntervals(intervals);
    if ('problem' in checked) {
      throw consoleFault('MAPPING_OVERLAP', `${entity} ${telematicsId}: ${checked.problem}`);
    }
    if ((await control.model(tenantId)) === undefined) {
      throw consoleFault(
        'TENANT_UNKNOWN',
        `no tenant ${tenantId} is applied; run waybill tenant apply`,
      );
    }
    const by = readActor(body);
    const { mapping, changed } = await control.changeMapping({
      tenantId,
      entity,
      telematicsId,
      intervals: checked.intervals,
      by,
    });
    wake();
    if (changed) metrics.decided('mapping.changed');
    const { version, deleted } = mapping;
    logger.info(
      { tenant_id: tenantId, entity, telematics_id: telematicsId, version, deleted, changed, by },
      'mapping.changed',
    );
    return { status: 200, body: { ...shown(mapping), changed } };
  };
}

/** GET /mappings?tenant=: the id map of a tenant. */
export function createMappings({ control }: Ports): Route {
  return async (url) => {
    const tenant = url.searchParams.get('tenant');
    if (tenant === null || tenant === '') throw malformed('expected ?tenant=<id>');
    return { status: 200, body: { mappings: (await control.mappings(tenant)).map(shown) } };
  };
}
