import type { PoolClient } from '@waybill/postgres';
import { markLanesDue } from './lanes.ts';
import { SCHEMA } from './migrations.ts';
import type { Clock } from './clock.ts';
import type { EnqueueCounts, InboxFact } from './types.ts';

function keyOf(fact: InboxFact): string {
  return [fact.tenantId, fact.target, fact.entity, fact.eventId].join('\u0000');
}

/** Of several versions in one batch the newest; in order of key, which is the order of locks. */
function newestOf(facts: readonly InboxFact[]): readonly InboxFact[] {
  const newest = new Map<string, InboxFact>();
  for (const fact of facts) {
    const known = newest.get(keyOf(fact));
    const order =
      known === undefined
        ? 1
        : fact.revision - known.revision || fact.activation - known.activation;
    if (order > 0) newest.set(keyOf(fact), fact);
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, fact]) => fact);
}

function recordOf(fact: InboxFact): object {
  return {
    tenant: fact.tenantId,
    target: fact.target,
    entity: fact.entity,
    event_id: fact.eventId,
    entity_id: fact.entityId,
    lane: fact.lane,
    refs: fact.refs,
    message: fact.message,
    original: fact.original?.toString('base64') ?? null,
    traceparent: fact.traceparent ?? null,
    source_topic: fact.source.topic,
    source_partition: fact.source.partition,
    source_offset: fact.source.offset.toString(),
    event_time: fact.eventTime,
    provider_time: fact.providerTime,
    received_time: fact.receivedTime,
    revision: fact.revision,
    activation: fact.activation,
    waiting_key: fact.waitFor ?? null,
  };
}

const UPSERT = `
  INSERT INTO ${SCHEMA}.inbox AS i (
    tenant, target, entity, event_id, entity_id, lane, refs, message, original, traceparent,
    source_topic, source_partition, source_offset, event_time, provider_time, received_time,
    revision, activation, state, due_at, waiting_key, parked_since, enqueued_at)
  SELECT f.tenant, f.target, f.entity, f.event_id, f.entity_id, f.lane,
    ARRAY(SELECT jsonb_array_elements_text(f.refs)), f.message, decode(f.original, 'base64'),
    f.traceparent, f.source_topic, f.source_partition, f.source_offset,
    to_timestamp(f.event_time / 1000.0), to_timestamp(f.provider_time / 1000.0),
    to_timestamp(f.received_time / 1000.0), f.revision, f.activation,
    CASE WHEN f.waiting_key IS NULL THEN 'due' ELSE 'waiting_for' END,
    CASE WHEN f.waiting_key IS NULL THEN c.now END, f.waiting_key,
    CASE WHEN f.waiting_key IS NOT NULL THEN c.now END, c.now
  FROM (SELECT coalesce($2::timestamptz, clock_timestamp()) AS now) c,
    jsonb_to_recordset($1::jsonb) AS f (
      tenant text, target text, entity text, event_id text, entity_id text, lane text, refs jsonb,
      message jsonb, original text, traceparent text, source_topic text, source_partition int,
      source_offset bigint, event_time float8, provider_time float8, received_time float8,
      revision bigint, activation bigint, waiting_key text)
  ON CONFLICT (tenant, target, entity, event_id) DO UPDATE SET
    entity_id = excluded.entity_id, lane = excluded.lane, refs = excluded.refs,
    message = excluded.message, original = excluded.original, traceparent = excluded.traceparent,
    source_topic = excluded.source_topic, source_partition = excluded.source_partition,
    source_offset = excluded.source_offset, event_time = excluded.event_time,
    provider_time = excluded.provider_time, received_time = excluded.received_time,
    revision = excluded.revision, activation = excluded.activation, state = excluded.state,
    due_at = excluded.due_at, waiting_key = excluded.waiting_key, reason = NULL, attempts = 0,
    first_failed_at = NULL, parked_since = excluded.parked_since,
    enqueued_at = excluded.enqueued_at
  WHERE (excluded.revision, excluded.activation) > (i.revision, i.activation)
  RETURNING tenant, target, lane, state`;

/**
 * Puts facts into the inbox, inside the caller's transaction. A newer revision replaces an undelivered
 * one and opens a delivered one again; an older or equal one changes nothing.
 */
export async function enqueue(
  tx: PoolClient,
  facts: readonly InboxFact[],
  clock: Clock,
): Promise<EnqueueCounts> {
  if (facts.length === 0) return { accepted: 0, known: 0 };
  const records = JSON.stringify(newestOf(facts).map(recordOf));
  const { rows } = await tx.query<{ tenant: string; target: string; lane: string; state: string }>(
    UPSERT,
    [records, clock.parameter()],
  );
  await markLanesDue(
    tx,
    rows.filter(({ state }) => state === 'due'),
    clock,
  );
  return { accepted: rows.length, known: facts.length - rows.length };
}
