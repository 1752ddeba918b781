import {
  topics,
  type PositionRecorded,
  type ProposalChanged,
  type ProposalJudged,
  type RangeReread,
  type SignalRecorded,
} from '@waybill/contracts';
import { businessDate, REREAD_MARGIN_MS, taskKey } from '@waybill/domain';
import type { Emitter, KeyedStore, TableReader } from '@waybill/stream';
import { announcementKey } from './core/driver-activity.ts';
import { intervalOf, merged, type PublishedFacts } from './core/archive.ts';
import { BUCKET_MS, type Bucket } from './core/beyond-grace.ts';
import { fixOf } from './core/fix.ts';
import type { Interval } from './core/inherit.ts';
import type { Arrival } from './core/occasion.ts';
import { acceptedOf, byBusinessDate, proposalOf, type SavedProposal } from './core/proposal.ts';
import { recompute, type Recomputed } from './core/recompute.ts';
import type { Rules } from './core/rules.ts';
import { retentionMs } from './core/settle.ts';
import type { Released } from './core/settle-facts.ts';
import type { Turn } from './turn.ts';
import { wrongTime } from './core/wrong-time.ts';
import { openLateStore, type LateStore, type LateUnit } from './late-store.ts';
import type { HourCounts } from './hour-counts.ts';
import type { DetectorMetrics } from './metrics.ts';
import type { Held } from './held.ts';
import type { TenantState } from './tenant-state.ts';
import type { Tenants } from './tenants.ts';

/** Late fixes of a day are asked for when none came for this long, ms of T. */
const QUIET_MS = 900_000;
/** Business days that one range may answer for. */
const MOST_DAYS = 40;
/** Chunks are trimmed whole, ms. */
const CHUNK_MS = 900_000;

/** What happens to a unit's data beyond grace. */
export interface LateData {
  /** Reads the store and what was judged meanwhile. */
  readonly load: (turn: Turn) => void;
  /** A re-read position. */
  readonly collect: (fix: PositionRecorded | SignalRecorded, out: Emitter) => void;
  /** Behind the re-read positions of a range. */
  readonly mark: (marker: RangeReread, turn: Turn) => void;
  readonly judge: (judged: ProposalJudged, turn: Turn) => void;
  /** The end of a turn for one unit: keeps what it let go, asks for ranges of days that are quiet. */
  readonly review: (tenant: TenantState, held: Held, released: Released, out: Emitter) => void;
  /** When T makes a unit due for `review`, ms. */
  readonly due: (held: Held, rules: Rules) => number;
  /** The end of a turn: saves what was collected, recomputes at most one range. */
  readonly work: (turn: Turn) => void;
  /** Proposals of a business day that await a verdict. */
  readonly pending: (tenantId: string, date: string) => number;
}

export interface LateSetting {
  readonly tenants: Tenants;
  readonly store: KeyedStore<Uint8Array>;
  readonly tables: TableReader;
  readonly metrics: DetectorMetrics;
  readonly hours: Pick<HourCounts, 'touch'>;
}

/** Business days of a range, at most `MOST_DAYS`; `to` is exclusive. */
function datesOf({ from, to }: Interval, timeZone: string): readonly string[] {
  // The last step may pass over the beginning of the last day.
  const dates = new Set([businessDate(Math.max(from, to - 1), timeZone)]);
  for (let time = from; time < to && dates.size < MOST_DAYS; time += 3_600_000) {
    dates.add(businessDate(time, timeZone));
  }
  return [...dates].toSorted();
}

/** T at which a proposal that is over is forgotten, ms. */
function forgottenAt({ status, changed_time: since }: ProposalChanged): number {
  return status === 'PENDING' || status === 'WANTED' ? Infinity : since + BUCKET_MS;
}

/** Before this no fix within grace changes anything any more. */
function settledTo(held: Held, rules: Rules, clock: number | undefined): number {
  const { trimmedTo } = held.unit.timeline;
  if (clock === undefined) return trimmedTo;
  const retained = Math.floor((clock - retentionMs(rules)) / CHUNK_MS) * CHUNK_MS;
  return Math.max(trimmedTo, retained);
}

/** Beyond-grace data: collected, recomputed, proposed, judged. State: `LateStore`. */
export function createLateData({ tenants, store, tables, metrics, hours }: LateSetting): LateData {
  let late: LateStore;

  function publish(saved: SavedProposal, of: LateUnit, out: Emitter): void {
    const { event } = saved;
    const key = taskKey(event.tenant_id, event.unit);
    late.putProposal(of, saved);
    out.emit({
      topic: topics.proposal,
      key: `${key}/${event.business_date}`,
      partitionKey: key,
      message: { type: 'ProposalChanged', value: event },
    });
    metrics.proposal(event.status);
    const { from_time: from, to_time: to } = event;
    hours.touch(event.tenant_id, from + REREAD_MARGIN_MS, to - REREAD_MARGIN_MS);
  }

  function knownFacts(of: LateUnit, held: Held, range: Interval): PublishedFacts {
    const archived = late.archived(of, range.from, range.to);
    return merged(
      archived,
      held.unit.facts.map(({ published }) => published),
    );
  }

  /** The range to read again for the late fixes of a day. */
  function rangeOf(of: LateUnit, held: Held, bucket: Bucket): Interval {
    const { first, last } = bucket.span();
    let from = first;
    for (const [i, entries] of knownFacts(of, held, { from: first, to: last }).entries()) {
      for (const entry of entries) {
        const interval = intervalOf(i, entry);
        // A fact that reaches into the late fixes is judged only when its beginning is read too.
        if (interval.to >= first && interval.from <= last) from = Math.min(from, interval.from);
      }
    }
    // Exclusive: what stands at the very end belongs to it.
    return { from: from - REREAD_MARGIN_MS, to: last + 1 + REREAD_MARGIN_MS };
  }

  function want(tenant: TenantState, held: Held, bucket: Bucket, out: Emitter): void {
    const { unit } = held;
    const of = late.of(tenant.tenantId, unit.name);
    const range = rangeOf(of, held, bucket);
    bucket.ask();
    const before = of.proposals.get(bucket.date);
    const event: Omit<ProposalChanged, 'proposal_id' | 'changes' | 'decided_by'> = {
      tenant_id: tenant.tenantId,
      unit: unit.name,
      business_date: bucket.date,
      revision: (before?.event.revision ?? 0) + 1,
      status: 'WANTED',
      reason: null,
      from_time: range.from,
      to_time: range.to,
      late_fixes: bucket.count,
      fixes: 0,
      settings_version: tenant.rules?.version ?? 0,
      changed_time: tenant.clock ?? 0,
    };
    publish(proposalOf(event, []), of, out);
  }

  function arrivalsOf(of: LateUnit, held: Held, { from, to }: Interval): readonly Arrival[] {
    const reread = late.collected(of, from, to).map((record) => {
      const fix = fixOf(record);
      return { fix, receivedTime: record.received_time, isLate: true };
    });
    const live = held.unit.timeline.chunks.flatMap((chunk) =>
      chunk.fixes.map((fix) => ({ fix, receivedTime: 0, isLate: false })),
    );
    return [...reread, ...live];
  }

  function isShownOnly(marker: RangeReread, date: string): boolean {
    if (marker.preview) return true;
    const key = `${taskKey(marker.tenant_id, marker.unit)}/${date}`;
    const judged = tables.get(topics.proposalVerdict, key)?.value;
    return judged?.verdict === 'SHOW_ONLY' && judged.proposal_id === marker.request_id;
  }

  function reasonOf(marker: RangeReread, result: Recomputed, of: LateUnit): string | null {
    if (!marker.complete) return `the range could not be read: ${marker.reason ?? 'no reason'}`;
    if (of.overflowed)
      return 'the range holds more positions than are taken; ask for a shorter one';
    const { borders, unsettledTo } = result;
    const reasons = [
      ...(borders > 0 ? [`${borders} facts begin before what was read; ask for more`] : []),
      ...(unsettledTo === undefined
        ? []
        : ['facts that late positions can still change are left to the live detection']),
    ];
    return reasons.length === 0 ? null : reasons.join('; ');
  }

  /** A proposal says the same as the one that stands: nothing to publish. */
  function isSame(before: SavedProposal | undefined, now: SavedProposal): boolean {
    if (before?.event.proposal_id !== now.event.proposal_id) return false;
    const { status } = now.event;
    // A verdict that is awaited is not put aside by somebody who only looks.
    return (
      before.event.status === status || (status === 'PREVIEW' && before.event.status === 'PENDING')
    );
  }

  function conclude(marker: RangeReread, tenant: TenantState, held: Held, turn: Turn): void {
    const rules = tenants.rulesOf(tenant, held);
    const of = late.of(tenant.tenantId, held.unit.name);
    if (rules === undefined) return;
    const range = { from: marker.from_time, to: marker.to_time };
    const core = { from: range.from + REREAD_MARGIN_MS, to: range.to - REREAD_MARGIN_MS };
    const failed = !marker.complete || of.overflowed;
    const result = recompute({
      tenantId: tenant.tenantId,
      unit: held.unit.name,
      arrivals: failed ? [] : arrivalsOf(of, held, range),
      published: knownFacts(of, held, range),
      rules,
      core,
      clock: tenant.clock,
      settledTo: settledTo(held, rules, tenant.clock),
      requestedTime: marker.received_time,
    });
    const reason = reasonOf(marker, result, of);
    const days = byBusinessDate(result.differences, rules.timeZone);
    for (const date of new Set([...datesOf(core, rules.timeZone), ...days.keys()])) {
      const differences = days.get(date) ?? [];
      const before = of.proposals.get(date);
      // Without its beginning a fact is not judged: that nothing else differs is no answer then.
      const none = result.borders > 0 ? 'FAILED' : 'EMPTY';
      const found = differences.length === 0 ? none : 'PENDING';
      const bucket = held.unit.buckets.get(date);
      const shown = isShownOnly(marker, date) ? 'PREVIEW' : found;
      const saved = proposalOf(
        {
          tenant_id: tenant.tenantId,
          unit: held.unit.name,
          business_date: date,
          revision: (before?.event.revision ?? 0) + 1,
          status: failed ? 'FAILED' : shown,
          reason,
          from_time: range.from,
          to_time: range.to,
          late_fixes: bucket?.count ?? 0,
          fixes: result.fixes,
          settings_version: rules.version,
          changed_time: tenant.clock ?? marker.received_time,
        },
        differences,
      );
      if (!isSame(before, saved)) publish(saved, of, turn.out);
      if (bucket === undefined || failed || shown === 'PREVIEW') continue;
      if (result.unsettledTo !== undefined)
        bucket.askAgain(result.unsettledTo + retentionMs(rules));
      else if (found === 'EMPTY') bucket.decide();
    }
    turn.touch(tenant, held);
  }

  function decide(saved: SavedProposal, judged: ProposalJudged, turn: Turn): void {
    const { event } = saved;
    const { out } = turn;
    const tenant = tenants.of(event.tenant_id);
    const held = tenants.unitOf(tenant, event.unit);
    const of = late.of(event.tenant_id, event.unit);
    const facts = knownFacts(of, held, { from: event.from_time, to: event.to_time });
    const accepted = saved.versions.map((version) => acceptedOf(version, judged.judged_time));
    const isStale = saved.versions.some((version, i) => {
      const ids = new Set(accepted[i]?.published.flat().map(({ id }) => id));
      const now = facts.flat().find(({ id }) => ids.has(id));
      return (now?.revision ?? -1) !== version.beforeRevision;
    });
    const status = judged.verdict === 'REJECT' ? 'REJECTED' : isStale ? 'FAILED' : 'ACCEPTED';
    if (status === 'ACCEPTED') {
      const key = taskKey(event.tenant_id, event.unit);
      for (const { published, announcements } of accepted) {
        for (const { topic, message } of announcements) {
          out.emit({ topic, key: announcementKey(topic, message, key), message });
        }
        late.archive(of, published, tenant.clock);
      }
    }
    const reason = isStale ? 'what it was compared with has changed; recompute the day' : null;
    const value: ProposalChanged = {
      ...event,
      status,
      reason: status === 'FAILED' ? reason : event.reason,
      revision: event.revision + 1,
      decided_by: judged.judged_by,
      changed_time: tenant.clock ?? judged.judged_time,
    };
    publish({ event: value, versions: [] }, of, out);
    if (status === 'FAILED') return;
    held.unit.buckets.get(event.business_date)?.decide();
    turn.touch(tenant, held);
  }

  function judge(judged: ProposalJudged, turn: Turn): void {
    if (judged.verdict !== 'ACCEPT' && judged.verdict !== 'REJECT') return;
    const saved = late.find(judged.tenant_id, judged.unit)?.proposals.get(judged.business_date);
    if (saved?.event.status !== 'PENDING') return;
    if (saved.event.proposal_id === judged.proposal_id) decide(saved, judged, turn);
    else turn.out.skip('verdict_outdated');
  }

  /** Forgets what was re-read once nothing more came of it, and days that nobody needs any more. */
  function tidy(of: LateUnit, clock: number, out: Emitter): void {
    if (of.blocks.size > 0 && of.markers.length === 0 && clock >= of.collectedAt + QUIET_MS) {
      late.forgetCollected(of);
    }
    for (const [date, { event }] of of.proposals) {
      if (clock < forgottenAt(event)) continue;
      late.dropProposal(of, date);
      const partitionKey = taskKey(of.tenantId, of.unit);
      const key = `${partitionKey}/${date}`;
      out.emit({ topic: topics.proposal, key, partitionKey, message: null });
    }
  }

  return {
    load: (turn) => {
      late = openLateStore(store);
      for (const [, { value }] of tables.entries(topics.proposalVerdict)) judge(value, turn);
    },
    collect: (record, out) => {
      if (wrongTime(record) !== undefined) {
        out.skip('reread_wrong_time');
        return;
      }
      const tenant = tenants.of(record.tenant_id);
      const of = late.of(record.tenant_id, record.unit);
      of.collectedAt = Math.max(of.collectedAt, tenant.clock ?? 0);
      if (!late.collect(of, record)) out.skip('reread_limit');
    },
    mark: (marker, turn) => {
      tenants.refresh(tenants.of(marker.tenant_id), turn);
      late.flush();
      const of = late.of(marker.tenant_id, marker.unit);
      of.markers.push(marker);
      late.putMarkers(of);
    },
    judge,
    review: (tenant, held, released, out) => {
      const { unit } = held;
      const { clock, rules } = tenant;
      if (released.some((facts) => facts.length > 0)) {
        late.archive(late.of(tenant.tenantId, unit.name), released, clock);
      }
      if (clock === undefined || rules === undefined) return;
      if (rules.recomputesLate) {
        for (const bucket of unit.buckets.values()) {
          if (bucket.quietDue(QUIET_MS) <= clock) want(tenant, held, bucket, out);
        }
      }
      const of = late.find(tenant.tenantId, unit.name);
      if (of !== undefined) tidy(of, clock, out);
    },
    due: ({ unit }, rules) => {
      const of = late.find(unit.tenantId, unit.name);
      let due =
        of !== undefined && of.blocks.size > 0 && of.markers.length === 0
          ? of.collectedAt + QUIET_MS
          : Infinity;
      for (const { event } of of?.proposals.values() ?? []) due = Math.min(due, forgottenAt(event));
      if (!rules.recomputesLate) return due;
      for (const bucket of unit.buckets.values()) due = Math.min(due, bucket.quietDue(QUIET_MS));
      return due;
    },
    work: (turn) => {
      late.flush();
      for (const of of late.units()) {
        const [marker] = of.markers;
        const tenant = tenants.of(of.tenantId);
        // A tenant without configuration: its markers wait for it.
        if (marker === undefined || tenant.rules === undefined) continue;
        of.markers.shift();
        conclude(marker, tenant, tenants.unitOf(tenant, of.unit), turn);
        late.putMarkers(of);
        return;
      }
    },
    pending: (tenantId, date) => {
      let count = 0;
      for (const of of late.units()) {
        if (of.tenantId === tenantId && of.proposals.get(date)?.event.status === 'PENDING') {
          count += 1;
        }
      }
      return count;
    },
  };
}
