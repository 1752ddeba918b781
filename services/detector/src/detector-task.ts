import {
  topics,
  type ActivityProgressed,
  type Message,
  type PositionRecorded,
  type ProgressReached,
  type ProposalJudged,
  type RangeReread,
  type SignalRecorded,
} from '@waybill/contracts';
import type { Emitter, Received, Task, TaskContext } from '@waybill/stream';
import { acceptAgain } from './core/accept.ts';
import { finishUnit } from './finish-unit.ts';
import { handlePosition } from './handle-position.ts';
import { handleProgress } from './handle-progress.ts';
import { HotUnits } from './held.ts';
import type { CellOf } from './core/minute.ts';
import { createHourCounts } from './hour-counts.ts';
import { createLateData } from './late-data.ts';
import type { DetectorMetrics } from './metrics.ts';
import type { DetectorLogger } from './ports.ts';
import type { TenantState } from './tenant-state.ts';
import { createTenants } from './tenants.ts';
import { createTiers } from './tiers.ts';
import { beginTurn, type Touched, type Turn } from './turn.ts';
import { checkUnit } from './unit-store.ts';

const HOUR_MS = 3_600_000;

/** Tables about one unit each, under its key. */
const UNIT_TABLES: ReadonlySet<string> = new Set([
  topics.asset.name,
  topics.driverBinding.name,
  topics.plannedAssignment.name,
]);

/** Stores beside the units: what was published and proposed of days that are over, counts of hours. */
export interface Stores {
  readonly late: Uint8Array;
}

/** What the detector uses of its task. */
type DetectorContext = Pick<
  TaskContext<Uint8Array, Stores>,
  'partition' | 'partitions' | 'store' | 'stores' | 'buffers' | 'memory' | 'tables'
>;

export interface TaskSetting {
  readonly maxFixesPerUnit: number;
  /** Units that stay unpacked between calls. */
  readonly unpackedUnits: number;
  readonly metrics: DetectorMetrics;
  readonly logger: DetectorLogger;
  readonly cellOf: CellOf;
}

/**
 * One task of the detector: all units of one partition.
 *
 * What counts is in the store; `tenants` holds the same decoded, from the first turn on: after an aborted
 * transaction the stream makes the whole task anew. A call is a *turn*: positions go into timelines,
 * progress moves clocks, then every touched unit is settled: folded, compared with what was published,
 * trimmed, saved. Where batches end decides which versions are published in between, never the last and
 * never an id.
 */
export function createDetectorTask(context: DetectorContext, setting: TaskSetting): Task {
  const { metrics, logger, maxFixesPerUnit } = setting;
  const { store } = context;
  const hot = new HotUnits(setting.unpackedUnits, context.memory);
  const tenants = createTenants(context, { logger, metrics, hot });
  const hours = createHourCounts(context.stores.late, context.partition);
  const tiers = createTiers(setting.cellOf);
  const lateData = createLateData({
    tenants,
    store: context.stores.late,
    tables: context.tables,
    metrics,
    hours,
  });
  const finishing = { store, metrics, lateData, tiers };
  const handling = { store, tenants, maxFixesPerUnit, metrics, logger, hours, settle: settleOne };
  let isLoaded = false;
  let isStarted = false;

  /** Units that T has made due, of tenants whose clock moved. */
  function sweep(tenant: TenantState, turn: Turn): void {
    const { clock } = tenant;
    if (clock === undefined) return;
    for (const held of tenant.units.values()) {
      if (held.due <= clock) turn.touch(tenant, held);
    }
  }

  function publishHours({ tenantId, rules, clock, units }: TenantState, out: Emitter): void {
    if (rules === undefined || clock === undefined) return;
    const pending = (date: string): number => lateData.pending(tenantId, date);
    hours.publish({ rules, clock, units: units.size, pending, out });
  }

  function settleOne(touched: Touched, turn: Turn): void {
    const rules = tenants.rulesOf(touched.tenant, touched.held);
    if (rules !== undefined) finishUnit(touched, rules, turn, finishing);
    hot.use(touched.held);
    turn.touched.delete(touched.held);
  }

  function finish(turn: Turn): void {
    for (const tenantId of turn.clocks.keys()) sweep(tenants.of(tenantId), turn);
    if (turn.isHandling) hot.rest(turn.touched);
    for (const touched of turn.touched.values()) {
      settleOne(touched, turn);
      if (turn.isHandling) hot.done(touched.held);
    }
    for (const tenantId of turn.clocks.keys()) publishHours(tenants.of(tenantId), turn.out);
    hours.save();
  }

  /** Tells every task of the second stage, by the hour, how far this one is. */
  function passOn(turn: Turn): void {
    for (const [tenantId, { from, receivedTime }] of turn.clocks) {
      const { clock, rules } = tenants.of(tenantId);
      if (clock === undefined || rules?.publishes.shift !== true) continue;
      const hour = Math.floor(clock / HOUR_MS) * HOUR_MS;
      if (hour <= from) continue;
      const value: ActivityProgressed = {
        tenant_id: tenantId,
        task: context.partition,
        complete_to_time: hour,
        received_time: receivedTime,
      };
      const message: Message = { type: 'ActivityProgressed', value };
      for (let partition = 0; partition < context.partitions; partition += 1) {
        turn.out.emit({ topic: topics.driverActivity, key: tenantId, message, partition });
      }
    }
  }

  function load(): void {
    if (isLoaded) return;
    tenants.load();
    isLoaded = true;
  }

  /** All fixes are back, or the unit stops here: folding without them would withdraw what they gave. */
  function start(turn: Turn): void {
    load();
    if (isStarted) return;
    for (const tenant of tenants.all()) {
      for (const held of tenant.units.values()) {
        checkUnit(held);
        held.named = [];
      }
    }
    hours.load();
    lateData.load(turn);
    isStarted = true;
  }

  function inTurn(out: Emitter, isHandling: boolean, work: (turn: Turn) => void): void {
    const turn = beginTurn(out, isHandling);
    start(turn);
    for (const tenant of tenants.all()) tenants.refresh(tenant, turn);
    work(turn);
    finish(turn);
    // Beyond grace comes last: what it decides about a unit is settled in a turn of its own.
    const after = beginTurn(out, isHandling);
    lateData.work(after);
    finish(after);
    if (isHandling) passOn(turn);
  }

  function handleRecord(record: Received, turn: Turn): void {
    const { type, value } = record.message;
    // The topic's contracts decide the type of the value by the name of the record.
    if (type === 'PositionRecorded' || type === 'SignalRecorded') {
      handlePosition(record, value as PositionRecorded | SignalRecorded, turn, handling);
    } else if (type === 'ProgressReached') {
      handleProgress(record, value as ProgressReached, turn, tenants, store);
    }
  }

  function handleReread({ message: { type, value } }: Received, turn: Turn): void {
    if (type === 'RangeReread') lateData.mark(value as RangeReread, turn);
    else lateData.collect(value as PositionRecorded | SignalRecorded, turn.out);
  }

  /** Packs a fix that was applied before; see `rebuild` of the stream. */
  function comeBack(record: Received): void {
    const { type, value } = record.message;
    if (record.topic.name !== topics.position.name) return;
    if (type !== 'PositionRecorded' && type !== 'SignalRecorded') return;
    const position = value as PositionRecorded | SignalRecorded;
    const offset = Number(record.offset);
    const graceMs = tenants.graceAt(position.tenant_id, offset);
    const held = tenants.of(position.tenant_id).units.get(position.unit);
    if (graceMs === undefined || held === undefined) return;
    acceptAgain(held.unit, position, graceMs, offset);
  }

  return {
    handle: (records, out) => {
      inTurn(out, true, (turn) => {
        const [first] = records;
        const handleOne =
          first?.topic.name === topics.positionBackfill.name ? handleReread : handleRecord;
        for (const record of records) handleOne(record, turn);
      });
      hot.rest();
      reportState();
    },
    rebuild: (records) => {
      load();
      for (const record of records) comeBack(record);
    },
    rebuildFrom: (topic) => {
      if (topic.name !== topics.position.name) return undefined;
      tenants.load();
      const first = tenants.firstOffset();
      return first === Infinity ? undefined : BigInt(first);
    },
    onTable: (topic, key, message, out) => {
      if (topic.name === topics.proposalVerdict.name) {
        // Before the first record nothing is loaded yet: loading looks at all verdicts.
        if (!isStarted || message === null) return;
        inTurn(out, false, (turn) => lateData.judge(message.value as ProposalJudged, turn));
        return;
      }
      const slash = key.indexOf('/');
      const tenantId = slash === -1 ? key : key.slice(0, slash);
      if (UNIT_TABLES.has(topic.name)) tenants.markStale(tenantId, key.slice(slash + 1));
      else tenants.markStale(tenantId);
      // Before the first record nothing was looked at yet: the first turn looks at all tenants anyway.
      if (isStarted && topic.name !== topics.position.name) inTurn(out, false, () => undefined);
    },
  };

  function reportState(): void {
    let units = 0;
    let fixes = 0;
    for (const tenant of tenants.all()) {
      units += tenant.units.size;
      for (const held of tenant.units.values()) fixes += held.fixes;
    }
    const unpackings = hot.takeUnpackings();
    const packedBytes = { live: hot.lives.live(), held: hot.lives.held() };
    const held = { units, fixes, unpacked: hot.size, unpackings, packedBytes };
    metrics.state(context.partition, held);
  }
}
