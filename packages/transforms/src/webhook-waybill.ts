import {
  cloudEventsOf,
  readCloudEvent,
  readPushedEvent,
  type PushedEvent,
  type Violation,
  type WebhookReceived,
} from '@waybill/contracts';
import { recordFix } from './fix.ts';
import { isObject } from './json.ts';
import { recordAlert, recordFuel, recordTripStatus, recordWorkOrder } from './pushed-facts.ts';
import { reject, type RejectionCode, type Verdict } from './transformed.ts';
import { elements, ofSource, type PushContext, type WebhookAdapter } from './webhook-adapter.ts';

function isEnvelope(value: unknown): boolean {
  return isObject(value) && typeof value['event'] === 'string';
}

const CODE_OF_PATH: ReadonlyMap<string, RejectionCode> = new Map([
  ['event', 'EVENT_UNKNOWN'],
  ['type', 'EVENT_UNKNOWN'],
  ['data.status', 'STATUS_UNKNOWN'],
  ['data.ts', 'TIME_INVALID'],
  ['data.lat', 'POSITION_INVALID'],
  ['data.lon', 'POSITION_INVALID'],
]);

function codeOf(violations: readonly Violation[]): RejectionCode {
  const [first, ...others] = violations;
  const code = CODE_OF_PATH.get(first?.path ?? '');
  return code === undefined || others.length > 0 ? 'WEBHOOK_MALFORMED' : code;
}

function readEvent(value: unknown, context: PushContext, readOne: typeof readPushedEvent): Verdict {
  const found: Violation[] = [];
  const pushed = readOne(value, '', found);
  return pushed === undefined ? reject(codeOf(found), found) : record(pushed, context);
}

function record(pushed: PushedEvent, context: PushContext): Verdict {
  const { source_id: sourceId, tenant_id: tenantId, received_time: receivedTime } = context.request;
  const named = (id: string): string => ofSource(sourceId, id);
  switch (pushed.event) {
    case 'vehicle.location.updated': {
      const { vehicle_id: id, lat: latitude, lon: longitude, speed: speedKmh, ts } = pushed.data;
      const origin = { tenantId, receivedTime, address: context.address, index: context.index };
      const fix = { unit: named(id), eventTime: ts, providerTime: null };
      return recordFix({ ...fix, latitude, longitude, speedKmh }, origin);
    }
    case 'trip.status.changed': {
      const { trip_id: tripId, status, site_id: siteId, ts: eventTime } = pushed.data;
      return recordTripStatus({ tripId, status, siteId, eventTime }, context);
    }
    case 'fuel.transaction.created': {
      const { vehicle_id: id, liters, amount, currency, fuel_txn_id: txn, ts } = pushed.data;
      const fuel = { liters, amount, currency, fuelTxnId: txn ?? pushed.id, eventTime: ts };
      return recordFuel({ unit: named(id), ...fuel }, context);
    }
    case 'service.work_order.due': {
      const { vehicle_id: id, task, due_date: dueDate, meter, meter_unit: meterUnit } = pushed.data;
      const inHours = meterUnit === 'h';
      return recordWorkOrder(
        {
          unit: named(id),
          workOrderId: pushed.data.work_order_id,
          task,
          dueDate,
          dueOdometerKm: inHours ? null : meter,
          dueEngineH: inHours ? meter : null,
          eventTime: pushed.data.ts ?? receivedTime,
        },
        context,
      );
    }
    case 'alert.geofence.event': {
      const { vehicle_id: id, geofence_id: geofence, direction, ts: eventTime } = pushed.data;
      const alert = direction === 'enter' ? 'geofence_enter' : 'geofence_exit';
      const crossing = { alert, geofenceId: named(geofence), eventTime } as const;
      return recordAlert({ unit: named(id), ...crossing }, context);
    }
  }
}

/** Our own format: `{event, id, data}`, or an array of them. The door has checked it already. */
export const waybillAdapter: WebhookAdapter = {
  name: 'waybill/events',
  version: 1,
  recognises: (body) => (Array.isArray(body) ? isEnvelope(body[0]) : isEnvelope(body)),
  within: [],
  parts: (body) => (Array.isArray(body) ? elements(body) : [{ key: undefined, value: body }]),
  read: ({ value }, context) => readEvent(value, context, readPushedEvent),
};

/** The same events as CloudEvents 1.0: one, an array, or the body as the data of one. */
export const cloudEventsAdapter: WebhookAdapter = {
  name: 'cloudevents/events',
  version: 1,
  recognises: (body, request) => eventsOf(body, request) !== undefined,
  within: [],
  parts: (body, request) => {
    const value = eventsOf(body, request)?.value;
    return Array.isArray(value) ? elements(value) : [{ key: undefined, value }];
  },
  read: ({ value }, context) => readEvent(value, context, readCloudEvent),
};

function eventsOf(
  body: unknown,
  { content_type: type, headers }: WebhookReceived,
): ReturnType<typeof cloudEventsOf> {
  return cloudEventsOf(type, headers, body);
}
