import { topics, type Message } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import type { RunningService } from '@waybill/runtime';
import type { StoreCodec } from '@waybill/stream';
import { BUFFER_LAYOUT } from './buffer-pages.ts';
import type { Config } from './config.ts';
import { LAYOUT } from './core/unit-codec.ts';
import { createDetectorTask } from './detector-task.ts';
import { createShiftTask } from './shift-task.ts';
import type { Ports } from './ports.ts';

/** Consumer group and prefix of the transactional ids. */
export const SERVICE = 'detector';

/** The second stage: its own tasks, keyed by driver. */
export const SHIFTS = 'detector.shift';

/**
 * How far a cold rebuild reads back when no unit says from where; units say it, so only a task without
 * retained fixes falls back to this.
 */
const BUFFER_RETENTION_MS = 3_600_000;

/** Packed state as it stands in the changelog; another layout stops the task as misconfigured. */
export const unitStore: StoreCodec<Uint8Array> = {
  changelog: topics.detectorUnit,
  isBytes: true,
  toMessage: (value): Message => ({
    type: 'UnitStateSaved',
    value: {
      layout: LAYOUT,
      payload: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    },
  }),
  fromMessage: (message) => {
    // The changelog has one contract.
    const { layout, payload } = message.value as { layout: number; payload: Buffer };
    if (layout === LAYOUT) return payload;
    throw new Fault(
      `expected saved state of layout ${LAYOUT}, found ${layout}; run the version that wrote it, or empty ${topics.detectorUnit.name} and read the positions again`,
      { kind: 'misconfigured', code: 'STATE_LAYOUT', stage: 'start' },
    );
  },
};

/** Positions → trips, visits and tasks over event time, exactly once. */
export async function createService(
  config: Pick<Config, 'DETECTOR_MAX_FIXES_PER_UNIT' | 'DETECTOR_UNPACKED_UNITS'>,
  ports: Ports,
): Promise<RunningService> {
  const setting = {
    maxFixesPerUnit: config.DETECTOR_MAX_FIXES_PER_UNIT,
    unpackedUnits: config.DETECTOR_UNPACKED_UNITS,
    metrics: ports.metrics,
    logger: ports.logger,
    cellOf: ports.cellOf,
  };
  const runner = await ports.streams.transact({
    service: SERVICE,
    inputs: [topics.position, topics.positionBackfill],
    tables: [
      topics.zone,
      topics.tenantConfig,
      topics.asset,
      topics.driverBinding,
      topics.plannedAssignment,
      topics.proposalVerdict,
    ],
    outputs: [
      topics.trip,
      topics.siteVisit,
      topics.geofence,
      topics.idle,
      topics.fuelLevel,
      topics.odometer,
      topics.workOrder,
      topics.driverActivity,
      topics.task,
      topics.proposal,
      topics.positionState,
      topics.positionMinute,
      topics.hourCount,
    ],
    deadLetter: topics.detectorDeadLetter,
    store: unitStore,
    stores: { late: { ...unitStore, changelog: topics.detectorLate } },
    buffers: { layout: BUFFER_LAYOUT, retentionMs: BUFFER_RETENTION_MS },
    rework: { commands: topics.detectorRework, state: topics.detectorReworkState },
    createTask: (context) => createDetectorTask(context, setting),
  });
  const shifts = await ports.streams.transact({
    service: SHIFTS,
    inputs: [topics.driverActivity],
    tables: [topics.tenantConfig],
    outputs: [topics.shift],
    deadLetter: topics.detectorDeadLetter,
    store: { ...unitStore, changelog: topics.detectorShift },
    createTask: createShiftTask,
  });
  const runners = [runner, shifts];
  const done = Promise.all(runners.map(async (each) => each.done)).then(() => undefined);
  // Whoever runs the service waits for it; nobody does yet when a stage fails at once.
  done.catch(() => undefined);
  return {
    health: () => ({
      ready: runners.every((each) => each.ready()),
      positions: runners.flatMap((each) => each.positions()),
    }),
    done,
    stop: async () => {
      await Promise.all(runners.map(async (each) => each.stop()));
      await ports.streams.close();
    },
  };
}
