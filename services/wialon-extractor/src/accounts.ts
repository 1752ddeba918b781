import { wialonNeeds, type TenantModel, type WialonSource } from '@waybill/tenant';
import type { Account } from './core/account.ts';

const HOUR_MS = 3_600_000;

/** The limits of one shard: its share, and for calls what its own sessions may do. */
function limitsOf({ limits, shards, readers }: WialonSource): Account['limits'] {
  const share = (limit: number): number => Math.max(1, Math.floor(limit / shards));
  return {
    callsPerS: limits.session_calls_per_s * (readers + 1),
    messagesPer2Min: share(limits.messages_per_2_min),
    messagesPerHour: share(limits.messages_per_hour),
    messagesPerDay: share(limits.messages_per_day),
  };
}

/**
 * The Wialon accounts of a tenant, with what extraction needs to know; one per shard. None when no wanted
 * event needs the provider's messages.
 */
export function accountsOf(model: TenantModel): readonly Account[] {
  const needs = wialonNeeds(model);
  if (!needs.has('messages')) return [];
  return model.sources
    .filter((source): source is WialonSource => source.kind === 'wialon')
    .flatMap((source) =>
      Array.from({ length: source.shards }, (_, index) => ({
        tenantId: model.tenant_id,
        sourceId: source.source_id,
        account: source.account,
        url: source.url,
        tokens: source.tokens,
        readFromTime: Date.parse(source.read_from),
        pollIntervalMs: source.poll_interval_ms,
        pageMessages: source.page_messages,
        lookbackMs: Math.round(source.gap_lookback_hours * HOUR_MS),
        wants: {
          messages: true,
          sensors: needs.has('sensors'),
          zones: needs.has('zones'),
          drivers: needs.has('drivers'),
        },
        readers: source.readers,
        shard: { index, count: source.shards },
        limits: limitsOf(source),
        proof: { hourUtc: source.proof.hour_utc, days: source.proof.days },
      })),
    );
}
