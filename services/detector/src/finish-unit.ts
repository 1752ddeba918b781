import { topics, type TaskRaised } from '@waybill/contracts';
import { hashId, taskKey } from '@waybill/domain';
import type { Emitter, KeyedStore, Received } from '@waybill/stream';
import { raiseTasks } from './core/accept.ts';
import { BUCKET_MS } from './core/beyond-grace.ts';
import { announcementKey } from './core/driver-activity.ts';
import type { Occasion } from './core/occasion.ts';
import type { Rules } from './core/rules.ts';
import { nextDue, settle, trim, type Trimmed } from './core/settle.ts';
import type { Decision, Unit } from './core/unit.ts';
import type { LateData } from './late-data.ts';
import type { DetectorMetrics } from './metrics.ts';
import type { Tiers } from './tiers.ts';
import type { Touched, Turn } from './turn.ts';
import { dropBuckets, saveUnit } from './unit-store.ts';

function publishTask(event: TaskRaised, out: Emitter): void {
  out.emit({
    topic: topics.task,
    key: event.tenant_id,
    message: { type: 'TaskRaised', value: event },
  });
}

function refuseCut(
  decision: Extract<Decision, { kind: 'refuse' }>,
  unit: Unit,
  record: Received | undefined,
  out: Emitter,
): void {
  if (record === undefined) {
    // Only a change of rules comes without a record: the positions themselves did not change.
    out.skip(`implausible_${decision.rule}`);
    return;
  }
  const { code, path, message } = decision.refusal;
  out.reject({
    record,
    index: -1,
    elementId: hashId('implausible', unit.tenantId, unit.name, decision.eventTime),
    tenantId: unit.tenantId,
    unit: unit.name,
    code,
    kind: 'refused',
    message,
    violations: [{ path, message }],
    eventTime: decision.eventTime,
    original: null,
    attempts: 1,
  });
}

function carryOut(
  decision: Decision,
  unit: Unit,
  record: Received | undefined,
  out: Emitter,
  metrics: DetectorMetrics,
): void {
  if (decision.kind === 'refuse') {
    refuseCut(decision, unit, record, out);
    return;
  }
  const unitKey = taskKey(unit.tenantId, unit.name);
  for (const { topic, message } of decision.announcements) {
    out.emit({ topic, key: announcementKey(topic, message, unitKey), message });
  }
  metrics.published(decision.rule, decision.change, decision.cause);
}

/** What the end of a turn works with. */
export interface Finishing {
  readonly store: KeyedStore<Uint8Array>;
  readonly metrics: DetectorMetrics;
  readonly lateData: LateData;
  readonly tiers: Tiers;
}

/** The end of a turn for one unit: publish the difference, raise tasks, trim, save. */
export function finishUnit(
  touched: Touched,
  rules: Rules,
  { out, clocks, isHandling }: Turn,
  { store, metrics, lateData, tiers }: Finishing,
): void {
  const move = clocks.get(touched.tenant.tenantId);
  const { tenant, held, arrivals, binding, late } = touched;
  const { unit } = held;
  const { clock } = tenant;
  const progress =
    move === undefined || clock === undefined
      ? undefined
      : { from: move.from, to: clock, receivedTime: move.receivedTime };
  const occasion: Occasion = { arrivals, clock, progress, binding };
  for (const decision of settle(unit, rules, occasion)) {
    carryOut(decision, unit, touched.record ?? move?.record, out, metrics);
  }
  const receivedTime = late?.receivedTime ?? move?.receivedTime ?? 0;
  for (const task of raiseTasks(unit, rules, receivedTime)) publishTask(task, out);
  tiers.publish(touched, rules, move, out);
  let trimmed: Trimmed | undefined;
  if (clock !== undefined && isHandling) {
    trimmed = trim(unit, rules, clock);
    if (trimmed.leftOut > 0) metrics.fix('left_out', trimmed.leftOut);
    dropBuckets(store, unit, clock - BUCKET_MS);
  }
  lateData.review(tenant, held, trimmed?.released ?? [], out);
  if (isHandling) unit.timeline.flush();
  saveUnit(store, unit, trimmed);
  held.due = Math.min(
    nextDue(unit, rules, clock),
    lateData.due(held, rules),
    tiers.due(held, rules),
  );
}
