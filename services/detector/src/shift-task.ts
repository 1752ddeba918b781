import {
  topics,
  type ActivityProgressed,
  type DriverActive,
  type ShiftWorked,
} from '@waybill/contracts';
import { businessDate, hashId, taskKey } from '@waybill/domain';
import type { Emitter, Task, TaskContext } from '@waybill/stream';
import { readTenant, type TenantModel } from '@waybill/tenant';
import { fixesOf, type Activity } from './core/shift-cut.ts';
import {
  dueOf,
  NO_DRIVER,
  settleDriver,
  withActivity,
  type DriverState,
  type ShiftOccasion,
  type ShiftTimes,
  type ShiftVersion,
} from './core/shift-state.ts';

type Context = Pick<TaskContext<Uint8Array>, 'store' | 'tables' | 'partitions'>;

const RULE = 'shift/2';
/** What a withdrawn shift says of its fixes. */
const NO_FIXES = { first_fix: null, last_fix: null, fix_count: null };
/** How long beyond grace a shift stays provisional, ms: the clock of this stage moves by the hour. */
const MARGIN_MS = 4_200_000;

function activityOf(event: DriverActive): Activity {
  return {
    id: event.activity_id,
    unit: event.unit,
    eventId: event.event_id,
    from: event.start_time,
    to: event.end_time,
    movingS: event.moving_s,
    revision: event.revision,
    trace: event.trace,
    firstFix: event.first_fix,
    lastFix: event.last_fix,
    fixCount: event.fix_count ?? 0,
    inputsHash: event.inputs_hash,
  };
}

interface Tenant {
  readonly model: TenantModel;
  readonly version: number;
}

function eventOf(
  tenantId: string,
  driver: string,
  { model, version }: Tenant,
  { said, cut, replacedBy }: ShiftVersion,
  occasion: ShiftOccasion,
): ShiftWorked {
  const activities = cut?.activities ?? [];
  return {
    tenant_id: tenantId,
    event_id: hashId('entity', tenantId, 'shift', said.id),
    event_time: said.to,
    provider_time: occasion.providerTime,
    received_time: occasion.receivedTime,
    revision: said.revision,
    retracted: cut === undefined,
    cause: occasion.cause,
    trace: occasion.trace,
    shift_id: said.id,
    driver_code: driver,
    start_time: said.from,
    end_time: said.to,
    duration_s: Math.round((said.to - said.from) / 1000),
    moving_s: activities.reduce((sum, { movingS }) => sum + movingS, 0),
    activity_count: activities.length,
    units: [...new Set(activities.map(({ unit }) => unit))].toSorted(),
    business_date: businessDate(said.to, model.company.zone),
    finality: said.isFinal ? 'final' : 'provisional',
    late_by_s: occasion.lateByS,
    replaced_by: replacedBy,
    rule: RULE,
    rule_version: version,
    inputs_hash: said.hash,
    ...(cut === undefined ? NO_FIXES : fixesOf(cut)),
  };
}

/**
 * The second stage: activities of one partition of drivers → shifts. Keys of its store: `<tenant>/<driver>`
 * and, with one slash more, `clock/<tenant>/<task of the first stage>`.
 */
export function createShiftTask({ store, tables, partitions }: Context): Task {
  const drivers = new Map<string, DriverState>();
  let isLoaded = false;

  function load(): void {
    if (isLoaded) return;
    isLoaded = true;
    for (const [key, bytes] of store.entries()) {
      if (key.indexOf('/') !== key.lastIndexOf('/')) continue;
      // Written by `save` and by nobody else.
      drivers.set(key, JSON.parse(Buffer.from(bytes).toString('utf8')) as DriverState);
    }
  }

  function save(key: string, state: DriverState): void {
    if (state.activities.length === 0 && state.said.length === 0) {
      drivers.delete(key);
      store.delete(key);
      return;
    }
    drivers.set(key, state);
    store.put(key, Buffer.from(JSON.stringify(state)));
  }

  function tenantOf(tenantId: string): Tenant | undefined {
    const configured = tables.get(topics.tenantConfig, tenantId)?.value;
    if (configured === undefined) return undefined;
    return { model: readTenant(configured), version: configured.version };
  }

  function clockOf(tenantId: string): number | undefined {
    let lowest = Infinity;
    for (let task = 0; task < partitions; task += 1) {
      const bytes = store.get(`clock/${tenantId}/${task}`);
      if (bytes === undefined) return undefined;
      lowest = Math.min(lowest, Number(Buffer.from(bytes).toString('utf8')));
    }
    return lowest;
  }

  function timesOf(tenantId: string, { model }: Tenant): ShiftTimes {
    return {
      restMs: model.detection.shift.rest_h * 3_600_000,
      settlingMs: model.company.grace_hours * 3_600_000 + MARGIN_MS,
      clock: clockOf(tenantId),
    };
  }

  function settle(
    key: string,
    occasion: ShiftOccasion | undefined,
    received: number,
    out: Emitter,
  ): void {
    const state = drivers.get(key);
    const slash = key.indexOf('/');
    const tenantId = key.slice(0, slash);
    const tenant = tenantOf(tenantId);
    if (state === undefined || tenant === undefined) return;
    const settled = settleDriver(key, state, timesOf(tenantId, tenant), received);
    for (const version of settled.versions) {
      const trace = (version.cut ?? { activities: state.activities }).activities.at(-1)?.trace;
      const why = occasion ?? {
        cause: 'live' as const,
        providerTime: version.said.to,
        receivedTime: received,
        lateByS: 0,
        trace: trace ?? { topic: topics.driverActivity.name, partition: 0, offset: 0, index: -1 },
      };
      const value = eventOf(tenantId, key.slice(slash + 1), tenant, version, why);
      out.emit({ topic: topics.shift, key, message: { type: 'ShiftWorked', value } });
    }
    save(key, settled.state);
  }

  function takeIn(event: DriverActive, touched: Map<string, DriverActive>, out: Emitter): void {
    const key = taskKey(event.tenant_id, event.driver_code);
    const state = drivers.get(key) ?? NO_DRIVER;
    const next = withActivity(state, activityOf(event), event.retracted);
    if (next === undefined) {
      out.skip('repeat');
      return;
    }
    drivers.set(key, next);
    touched.set(key, event);
  }

  /** Drivers whose shifts the tenant's clock makes final, or lets go. */
  function sweep(
    { tenant_id: tenantId, received_time: received }: ActivityProgressed,
    out: Emitter,
  ): void {
    const tenant = tenantOf(tenantId);
    if (tenant === undefined) return;
    const times = timesOf(tenantId, tenant);
    const { clock } = times;
    if (clock === undefined) return;
    for (const [key, state] of drivers) {
      if (!key.startsWith(`${tenantId}/`) || dueOf(state, times) > clock) continue;
      settle(key, undefined, received, out);
    }
  }

  return {
    handle: (records, out) => {
      load();
      const touched = new Map<string, DriverActive>();
      const moved = new Map<string, ActivityProgressed>();
      for (const { message } of records) {
        // The topic's contracts decide the type of the value by the name of the record.
        if (message.type === 'DriverActive') {
          takeIn(message.value as DriverActive, touched, out);
        } else if (message.type === 'ActivityProgressed') {
          const progress = message.value as ActivityProgressed;
          const key = `clock/${progress.tenant_id}/${progress.task}`;
          store.put(key, Buffer.from(String(progress.complete_to_time)));
          moved.set(progress.tenant_id, progress);
        }
      }
      for (const [key, event] of touched) {
        const { cause, provider_time: providerTime, received_time: receivedTime } = event;
        const { late_by_s: lateByS, trace } = event;
        settle(key, { cause, providerTime, receivedTime, lateByS, trace }, receivedTime, out);
      }
      for (const progress of moved.values()) sweep(progress, out);
    },
  };
}
