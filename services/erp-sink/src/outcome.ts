import type { DeliverySettled, ElementRejected, RawAddress } from '@waybill/contracts';
import type { AmendmentKind } from '@waybill/erp';
import type { Fault } from '@waybill/fault';
import type { InboxRow, OutboxMessage, RowResult, Settled } from '@waybill/inbox';
import { SERVICE } from './service-name.ts';

/** Outcome of a row that its tenant does not want (any more), and reason of the count of such events. */
export const EVENT_OFF = 'EVENT_OFF';

/** What an attempt brought to light, beside its result for the inbox. */
export interface Attempt {
  readonly result: RowResult;
  readonly unit: string | null;
  readonly trace: RawAddress;
  /** Wall time of the ERP commit or of the decision, ms since epoch. */
  readonly at: number;
  readonly changedFields: readonly string[];
  readonly amendments: readonly AmendmentKind[];
  readonly vehicleId: string | null;
  readonly businessDate: string | null;
  readonly table: string | null;
  readonly traceparent: string | undefined;
}

function outcomeOf(result: RowResult, settled: Settled): DeliverySettled['outcome'] | undefined {
  switch (settled.state) {
    case 'done':
      if (result.kind !== 'done' || result.outcome === EVENT_OFF) return undefined;
      // The adapter's outcomes are a part of the contract's.
      return result.outcome as DeliverySettled['outcome'];
    case 'parked':
      if (!settled.changed) return undefined;
      return result.kind === 'manual' ? 'MANUAL' : 'WAITING';
    case 'dead':
      return 'DEAD_LETTERED';
    case 'retry':
    case 'weather':
      return undefined;
  }
}

/** Why it waits or was refused; null for what was delivered. */
function reasonOf(result: RowResult, settled: Settled): string | null {
  switch (result.kind) {
    case 'done':
      return null;
    case 'wait':
    case 'manual':
      return result.reason;
    case 'retry':
    case 'pause':
    case 'target_down':
    case 'dead': {
      const exhausted = settled.state === 'dead' && settled.exhausted;
      return exhausted ? `EXHAUSTED: ${result.fault.code}` : result.fault.code;
    }
  }
}

function delivery(
  row: InboxRow,
  attempt: Attempt,
  settled: Settled,
  outcome: DeliverySettled['outcome'],
): DeliverySettled {
  const { result } = attempt;
  return {
    tenant_id: row.tenantId,
    unit: attempt.unit,
    event_id: row.eventId,
    entity: row.entity,
    entity_id: row.entityId,
    target: row.target,
    event_time: row.eventTime,
    provider_time: row.providerTime,
    received_time: row.receivedTime,
    delivered_time: attempt.at,
    revision: row.revision,
    activation: row.activation,
    resolution: row.resolution,
    outcome,
    reason: reasonOf(result, settled),
    attempts: 'attempts' in settled ? settled.attempts : row.attempts + 1,
    erp_table: attempt.table,
    erp_key: result.kind === 'done' ? result.erpKey : null,
    erp_vehicle_id: attempt.vehicleId,
    business_date: attempt.businessDate,
    amendment_kind: attempt.amendments.length === 0 ? null : attempt.amendments.join('+'),
    changed_fields: [...attempt.changedFields],
  };
}

/** A dead letter without its original bytes: these stand beside it in the outbox. */
export type DeadLetterPayload = Omit<ElementRejected, 'original'>;

function deadLetter(
  row: InboxRow,
  attempt: Attempt,
  fault: Fault,
  settled: Extract<Settled, { state: 'dead' }>,
): DeadLetterPayload {
  return {
    service: SERVICE,
    element_id: row.eventId,
    tenant_id: row.tenantId,
    unit: attempt.unit,
    code: settled.exhausted ? 'EXHAUSTED' : fault.code,
    kind: fault.kind,
    category: fault.category,
    message: fault.message,
    violations: [],
    attempts: settled.attempts,
    rejected_time: attempt.at,
    event_time: row.eventTime,
    trace: attempt.trace,
  };
}

/** What is published about an attempt: its outcome, and the dead letter where it ends in one. */
export function messagesOf(
  row: InboxRow,
  attempt: Attempt,
  settled: Settled,
): readonly OutboxMessage[] {
  const outcome = outcomeOf(attempt.result, settled);
  if (outcome === undefined) return [];
  const { traceparent, result } = attempt;
  const common = { key: row.lane, traceparent };
  const messages: OutboxMessage[] = [
    { ...common, kind: 'delivery', payload: delivery(row, attempt, settled, outcome) },
  ];
  if (settled.state === 'dead' && 'fault' in result) {
    messages.push({
      ...common,
      kind: 'dead_letter',
      payload: deadLetter(row, attempt, result.fault, settled),
      original: row.original,
    });
  }
  return messages;
}
