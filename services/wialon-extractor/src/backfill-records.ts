import {
  topics,
  type BackfillMark,
  type BackfillMoved,
  type ReworkProgressed,
} from '@waybill/contracts';
import type { Outgoing } from '@waybill/stream';
import { accountKey, type Account } from './core/account.ts';
import type { AccountContext } from './context.ts';

/** Key of a back-fill's state, among the cursors of its account. */
export function backfillKey(account: Account, reworkId: string): string {
  return `${accountKey(account)}/backfill-${reworkId}`;
}

/** How far the back-fill is; in the transaction of its pages. */
export function backfillRecord(account: Account, value: BackfillMoved): Outgoing {
  return {
    topic: topics.wialonCursor,
    key: backfillKey(account, value.rework_id),
    partitionKey: accountKey(account),
    message: { type: 'BackfillMoved', value },
  };
}

/** A marker behind the pages that it speaks of. */
export function markRecord(
  { account, ports }: AccountContext,
  state: BackfillMoved,
  mark: BackfillMark,
  unit: string | null,
  reason: string | null,
): Outgoing {
  return {
    topic: topics.wialonPageBackfill,
    key: accountKey(account),
    message: {
      type: 'BackfillMarked',
      value: {
        tenant_id: account.tenantId,
        source_id: account.sourceId,
        account: account.account,
        rework_id: state.rework_id,
        mark,
        unit,
        from_time: state.from_time,
        to_time: state.to_time,
        messages: unit === null ? state.messages : state.unit_messages,
        units_total: state.units_total,
        units_done: state.units_total - state.units.length,
        reason,
        received_time: ports.clock.now(),
      },
    },
  };
}

/** What `waybill rework status` shows. The shards of an account are its tasks. */
export function reworkRecord(
  { account, ports }: AccountContext,
  state: BackfillMoved,
  { reason, preview }: { readonly reason: string | null; readonly preview: boolean },
): Outgoing {
  const { index, count } = account.shard;
  const value: ReworkProgressed = {
    rework_id: state.rework_id,
    service: 'wialon-extractor',
    task: index,
    tasks: count,
    status: state.status === 'UNKNOWN' ? 'RUNNING' : state.status,
    preview,
    spans: [],
    records_done: state.messages,
    records_refused: 0,
    records_missing: 0,
    elements_superseded: 0,
    outcomes: [{ outcome: topics.wialonPageBackfill.name, count: state.messages }],
    findings: [],
    compared: null,
    reason,
    updated_time: ports.clock.now(),
  };
  return {
    topic: topics.extractorReworkState,
    key: `${state.rework_id}/${index}`,
    partitionKey: accountKey(account),
    message: { type: 'ReworkProgressed', value },
  };
}
