import { topics, type AssetSensor } from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import type { TableReader } from '@waybill/stream';
import type { SensorsOf } from '@waybill/transforms';

const NONE: readonly AssetSensor[] = [];

/** The sensors of a tenant's units as of event time, from what the provider said about the units. */
export function sensorsOf(tables: TableReader, tenantId: string): SensorsOf {
  return (unit, eventTime) => {
    const asset = tables.get(topics.asset, taskKey(tenantId, unit));
    if (asset === undefined) return NONE;
    for (const interval of asset.value.intervals) {
      const { valid_from_time: from, valid_to_time: to, sensors } = interval;
      if ((from === null || eventTime >= from) && (to === null || eventTime < to)) return sensors;
    }
    return NONE;
  };
}
