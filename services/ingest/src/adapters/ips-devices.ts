import { topics, type AssetDescribed, type Message, type Topic } from '@waybill/contracts';
import { unitOf } from '@waybill/domain';
import type { Streams } from '@waybill/stream';
import type { DeviceDirectory } from '../ports.ts';

/** The id that a unit's device has now; undefined when the unit is gone or has none. */
function deviceOf(message: Message | null): string | undefined {
  if (message === null) return undefined;
  // The only contract of this topic.
  const last = (message.value as AssetDescribed).intervals.at(-1);
  return last === undefined || last.valid_to_time !== null
    ? undefined
    : (last.device_id ?? undefined);
}

/** Follows the described units of all tenants. */
export async function followDevices(streams: Pick<Streams, 'follow'>): Promise<DeviceDirectory> {
  const unitByDevice = new Map<string, string>();
  const deviceByUnit = new Map<string, string>();
  const onTable = (_topic: Topic, key: string, message: Message | null): void => {
    const tenantId = key.slice(0, key.indexOf('/'));
    const unit = unitOf(key);
    const before = deviceByUnit.get(key);
    // A device that was moved may stand with its next unit already.
    if (before !== undefined && unitByDevice.get(before) === unit) unitByDevice.delete(before);
    const device = deviceOf(message);
    if (device === undefined) {
      deviceByUnit.delete(key);
      return;
    }
    deviceByUnit.set(key, `${tenantId}/${device}`);
    unitByDevice.set(`${tenantId}/${device}`, unit);
  };
  const { stop } = await streams.follow([topics.asset], onTable);
  return {
    unitOf: (tenantId, device) => unitByDevice.get(`${tenantId}/${device}`),
    size: () => unitByDevice.size,
    stop,
  };
}
