import {
  topics,
  type FuelTransactionRecorded,
  type ProviderAlert,
  type ProviderAlertRaised,
  type TripStatus,
  type TripStatusChanged,
  type WorkOrderReported,
} from '@waybill/contracts';
import { hashId, pointId, taskKey } from '@waybill/domain';
import { reject, type TransformedEvent, type Verdict } from './transformed.ts';
import type { PushContext } from './webhook-adapter.ts';

/** The part of a fact's envelope that is the same for all pushed facts. */
function envelope(
  { request, address, index }: PushContext,
  eventTime: number,
): Pick<
  FuelTransactionRecorded,
  'tenant_id' | 'event_time' | 'provider_time' | 'received_time' | 'retracted' | 'cause' | 'trace'
> {
  return {
    tenant_id: request.tenant_id,
    event_time: eventTime,
    provider_time: request.received_time,
    received_time: request.received_time,
    retracted: false,
    cause: 'live',
    trace: { topic: address.topic, partition: address.partition, offset: address.offset, index },
  };
}

interface Checking {
  readonly violations: (value: unknown) => readonly { path: string; message: string }[];
}

type FactName =
  'TripStatusChanged' | 'FuelTransactionRecorded' | 'WorkOrderReported' | 'ProviderAlertRaised';

/** The contract has the last word: what the adapter did not know is still refused here. */
function checked(
  contract: Checking,
  event: Extract<TransformedEvent, { contract: FactName }>,
): Verdict {
  const broken = contract.violations(event.value);
  return broken.length === 0
    ? { kind: 'event', event }
    : reject('CONTRACT_VIOLATED', broken, event.value.unit, event.value.event_time);
}

export interface TripStatusFact {
  readonly tripId: string;
  readonly status: TripStatus;
  readonly siteId: string | null;
  readonly eventTime: number;
}

/**
 * A trip's identity is its id at the provider; the status ladder orders by its own time, so a repeated
 * or overtaken message can never turn a newer status back.
 */
export function recordTripStatus(fact: TripStatusFact, context: PushContext): Verdict {
  const { tenant_id: tenantId, source_id: sourceId } = context.request;
  const value: TripStatusChanged = {
    ...envelope(context, fact.eventTime),
    // The ladder has no other time than its own.
    provider_time: fact.eventTime,
    unit: null,
    event_id: hashId('entity', tenantId, 'trip_status', fact.tripId),
    revision: fact.eventTime,
    trip_id: fact.tripId,
    status: fact.status,
    site_id: fact.siteId,
  };
  const key = `${tenantId}/${sourceId}/${fact.tripId}`;
  const contract = topics.tripStatus.contracts.TripStatusChanged;
  return checked(contract, { contract: 'TripStatusChanged', key, value });
}

export interface FuelFact {
  readonly unit: string;
  readonly fuelTxnId: string;
  readonly liters: number;
  readonly amount: number;
  readonly currency: string | null;
  readonly eventTime: number;
}

/** Currencies of ISO 4217 whose minor unit is not a hundredth. */
const MINOR_DIGITS: ReadonlyMap<string, number> = new Map([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
    .split(' ')
    .map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
]);
const USUAL_MINOR_DIGITS = 2;
/** As many as a pushed amount may have. */
const MOST_MINOR_DIGITS = 3;

/** An amount as whole minor units: of the currency, or of thousandths where those would lose something. */
function minorUnits(amount: number, currency: string | null): { amount: number; digits: number } {
  const usual = MINOR_DIGITS.get(currency ?? '') ?? USUAL_MINOR_DIGITS;
  const scaled = amount * 10 ** usual;
  const whole = Math.abs(scaled - Math.round(scaled)) < 1e-4;
  const digits = currency !== null && whole ? usual : MOST_MINOR_DIGITS;
  return { amount: Math.round(amount * 10 ** digits), digits };
}

/** A purchase is one entity by its id at the source; a later report of it takes the place of an earlier. */
export function recordFuel(fact: FuelFact, context: PushContext): Verdict {
  const { tenant_id: tenantId, source_id: sourceId, received_time: revision } = context.request;
  const { amount, digits } = minorUnits(fact.amount, fact.currency);
  const value: FuelTransactionRecorded = {
    ...envelope(context, fact.eventTime),
    unit: fact.unit,
    event_id: hashId('entity', tenantId, 'fuel_transaction', sourceId, fact.fuelTxnId),
    revision,
    fuel_txn_id: fact.fuelTxnId,
    fuel_liters: fact.liters,
    amount_minor: amount,
    minor_digits: digits,
    currency: fact.currency,
  };
  const key = taskKey(tenantId, fact.unit);
  const contract = topics.fuelTransaction.contracts.FuelTransactionRecorded;
  return checked(contract, { contract: 'FuelTransactionRecorded', key, value });
}

export interface WorkOrderFact {
  readonly unit: string;
  readonly workOrderId: string | null;
  readonly task: string;
  /** Days since epoch. */
  readonly dueDate: number | null;
  readonly dueOdometerKm: number | null;
  readonly dueEngineH: number | null;
  readonly eventTime: number;
}

/** Without an id of its own a work order is what falls due: reminders of it are the same entity. */
export function recordWorkOrder(fact: WorkOrderFact, context: PushContext): Verdict {
  const { tenant_id: tenantId, source_id: sourceId, received_time: revision } = context.request;
  const { unit, task, dueDate, dueOdometerKm, dueEngineH } = fact;
  const identity =
    fact.workOrderId === null
      ? ['due', unit, task, String(dueDate), String(dueOdometerKm), String(dueEngineH)]
      : ['id', fact.workOrderId];
  const value: WorkOrderReported = {
    ...envelope(context, fact.eventTime),
    unit,
    event_id: hashId('entity', tenantId, 'provider_work_order', sourceId, ...identity),
    revision,
    work_order_id: fact.workOrderId,
    task,
    due_date: dueDate,
    due_odometer_km: dueOdometerKm,
    due_engine_h: dueEngineH,
  };
  const contract = topics.providerWorkOrder.contracts.WorkOrderReported;
  return checked(contract, { contract: 'WorkOrderReported', key: taskKey(tenantId, unit), value });
}

export interface AlertFact {
  readonly unit: string;
  readonly alert: ProviderAlert;
  readonly geofenceId: string | null;
  readonly eventTime: number;
}

/** An alert is a point: tenant, unit, what happened, second, geofence. */
export function recordAlert(fact: AlertFact, context: PushContext): Verdict {
  const { tenant_id: tenantId, received_time: revision } = context.request;
  const { unit, alert, geofenceId, eventTime } = fact;
  const value: ProviderAlertRaised = {
    ...envelope(context, eventTime),
    unit,
    event_id: pointId(tenantId, unit, alert, eventTime, geofenceId ?? ''),
    revision,
    alert,
    geofence_id: geofenceId,
  };
  const contract = topics.providerAlert.contracts.ProviderAlertRaised;
  return checked(contract, {
    contract: 'ProviderAlertRaised',
    key: taskKey(tenantId, unit),
    value,
  });
}
