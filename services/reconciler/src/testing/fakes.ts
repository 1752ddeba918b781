// Stand-ins for the ports of the reconciler that are no log.
import type { Topic } from '@waybill/contracts';
import type { EventForComparison } from '@waybill/ledger';
import type { Received } from '@waybill/stream';
import type { TenantModel } from '@waybill/tenant';
import { sampleTenant } from '@waybill/testkit';
import type { ComparedRecord } from '../core/compare.ts';
import type { Ports } from '../ports.ts';

export type OtherPorts = Omit<Ports, 'streams' | 'publisher'>;

export interface Fakes {
  readonly ports: OtherPorts;
  readonly calls: string[];
  readonly lines: [string, object][];
}

/** Ports over fixed events and records; `calls` notes what was opened and closed. */
export function createFakes(content: {
  readonly events?: readonly EventForComparison[];
  readonly records?: readonly ComparedRecord[];
}): Fakes {
  const calls: string[] = [];
  const lines: [string, object][] = [];
  const ports: OtherPorts = {
    store: { offsets: async () => new Map(), advance: async () => true },
    ledger: {
      report: async () => ({ tenants: [], dead_letters_without_tenant: [] }),
      async *events(_tenant, entity) {
        yield (content.events ?? []).filter((event) => event.entity === entity);
      },
      hours: async () => [],
      close: async () => void calls.push('ledger closed'),
    },
    connectErp: async (model) => {
      calls.push(`erp of ${model.tenant_id} opened`);
      return {
        records: async (entity) => (entity === 'trip' ? (content.records ?? []) : []),
        close: async () => void calls.push('erp closed'),
      };
    },
    logger: {
      info: (fields, message) => void lines.push([message, fields]),
      warn: (fields, message) => void lines.push([message, fields]),
    },
    completenessDays: 400,
    metrics: { compared: ({ entity }) => void calls.push(`measured ${entity}`) },
    now: () => 1_000,
  };
  return { ports, calls, lines };
}

/** A record as the runner hands it over. */
export function received(topic: unknown, offset: number, type: string, value: unknown): Received {
  return {
    topic: topic as Topic,
    partition: 1,
    offset: BigInt(offset),
    key: 'key',
    message: { type, value },
    publishedTime: -1,
    traceparent: undefined,
    bytes: Buffer.alloc(0),
  };
}

export const model: TenantModel = sampleTenant({
  events: { ...sampleTenant({}).events, trip: 'detected' },
  ownership: [
    {
      entity: 'trip',
      field: 'distance_km',
      owner: 'telematics',
      cadence: 'per event',
      conflict_rule: 'newest wins',
      tolerance: '0.1 km',
    },
  ],
  mappings: [
    {
      entity: 'trip',
      version: 1,
      table: 'trip',
      key: { trip_ref: { from: 'entity_id', as: 'text' } },
      columns: {
        vehicle_id: { from: 'vehicle_id', as: 'text' },
        distance_km: { from: 'distance_km', as: 'number', decimals: 2 },
        business_date: { from: 'business_date', as: 'date' },
      },
      triple: { revision: 'r', activation: 'a', resolution: 's' },
      retracted: 'withdrawn',
      mode: 'upsert',
    },
  ],
});
