import { UNASSIGNED, type Inbox, type InboxFact } from '@waybill/inbox';
import type { PoolClient } from '@waybill/postgres';
import type { Received } from '@waybill/stream';
import { isDelivered, type TenantModel } from '@waybill/tenant';
import { entityIdOf, factOf, refsOf, type Fact } from './core/fact.ts';
import type { SinkMetrics } from './metrics.ts';
import { EVENT_OFF } from './outcome.ts';
import type { Tenants } from './tenants.ts';

/** Key that facts wait for whose tenant nobody knows yet. */
export function configKey(tenantId: string): string {
  return `${tenantId}/config`;
}

function inboxFact(record: Received, fact: Fact, model: TenantModel | undefined): InboxFact {
  const { value } = fact;
  return {
    tenantId: value.tenant_id,
    target: model?.erp.target ?? UNASSIGNED,
    entity: fact.entity,
    eventId: value.event_id,
    entityId: entityIdOf(fact),
    // Events of one key are delivered in order, as they were published.
    lane: record.key,
    refs: refsOf(fact),
    message: value,
    // The record's bytes are only valid during this call.
    original: Buffer.from(record.bytes),
    traceparent: record.traceparent,
    source: { topic: record.topic.name, partition: record.partition, offset: record.offset },
    eventTime: value.event_time,
    providerTime: value.provider_time,
    receivedTime: value.received_time,
    revision: value.revision,
    // Transformations are not rolled out in versions yet.
    activation: 1,
    ...(model === undefined ? { waitFor: configKey(value.tenant_id) } : {}),
  };
}

/** Puts a batch of events into the inbox, in the transaction that moves the offset. */
export function createEventHandler(parts: {
  readonly inbox: Inbox;
  readonly tenants: Tenants;
  readonly metrics: SinkMetrics;
}): (records: readonly Received[], tx: PoolClient) => Promise<void> {
  const { inbox, tenants, metrics } = parts;
  return async (records, tx) => {
    const facts: InboxFact[] = [];
    let unwanted = 0;
    for (const record of records) {
      const fact = factOf(record.message.type, record.message.value);
      if (fact === undefined) continue;
      const model = tenants.get(fact.value.tenant_id);
      if (model !== undefined && !isDelivered(model, fact.entity)) unwanted += 1;
      else facts.push(inboxFact(record, fact, model));
    }
    if (unwanted > 0) metrics.skipped(EVENT_OFF, unwanted);
    const { accepted, known } = await inbox.enqueue(tx, facts);
    metrics.enqueued('accepted', accepted);
    metrics.enqueued('known', known);
  };
}
