import { topics, type DriverActive, type Message, type Topic } from '@waybill/contracts';
import { hashId, taskKey } from '@waybill/domain';
import type { DriverShare } from './drivers.ts';
import { envelopeOf, type Version } from './publication.ts';
import type { Announcement, Scene } from './rule.ts';
import { inputsHash, type TripCut } from './trip-fold.ts';

const rule = { name: 'driver_activity', version: 1 } as const;

function activityOf(
  share: DriverShare,
  isOver: boolean,
  version: Version<TripCut>,
  scene: Omit<Scene<unknown>, 'state'>,
): DriverActive {
  const { id, retracted, cut } = version.entry;
  const { replaced_by: _replacedBy, ...envelope } = envelopeOf(rule, version, scene, {
    time: share.to,
    settledTime: share.to,
  });
  const activityId = hashId('activity', id, share.driver);
  return {
    ...envelope,
    event_id: hashId('entity', scene.tenantId, rule.name, activityId),
    retracted: retracted || isOver,
    activity_id: activityId,
    driver_code: share.driver,
    trip_id: id,
    start_time: share.from,
    end_time: share.to,
    moving_s: Math.round(share.movingMs / 1000),
    assignment: share.source,
    first_fix: cut.start.address,
    last_fix: cut.end.address,
    fix_count: cut.tally.fixCount,
    inputs_hash: inputsHash(cut.tally),
  };
}

/** What each driver did in a trip; a driver that the version before named and this one does not, did nothing. */
export function activitiesOf(
  version: Version<TripCut>,
  scene: Omit<Scene<unknown>, 'state'>,
): readonly Announcement[] {
  const now = version.entry.cut.tally.drivers.shares;
  const before = version.previous?.tally.drivers.shares ?? [];
  const gone = before.filter(({ driver }) => !now.some((share) => share.driver === driver));
  return [
    ...now.map((share) => activityOf(share, false, version, scene)),
    ...gone.map((share) => activityOf(share, true, version, scene)),
  ].map((value) => ({
    topic: topics.driverActivity,
    message: { type: 'DriverActive', value },
  }));
}

/** Key under which something that a unit's fixes gave is published: the unit's, or its driver's. */
export function announcementKey(topic: Topic, { value }: Message, unitKey: string): string {
  if (topic.name !== topics.driverActivity.name) return unitKey;
  const { tenant_id: tenantId, driver_code: driver } = value as DriverActive;
  return taskKey(tenantId, driver);
}
