import type { TenantModel } from '@waybill/tenant';
import type { Account } from './core/account.ts';

const HOUR_MS = 3_600_000;

/** The Wialon accounts of a tenant, with what extraction needs to know. */
export function accountsOf(model: TenantModel): readonly Account[] {
  return model.sources.flatMap((source) =>
    source.kind !== 'wialon'
      ? []
      : [
          {
            tenantId: model.tenant_id,
            sourceId: source.source_id,
            account: source.account,
            url: source.url,
            tokens: source.tokens,
            readFromTime: Date.parse(source.read_from),
            pollIntervalMs: source.poll_interval_ms,
            pageMessages: source.page_messages,
            lookbackMs: source.gap_lookback_hours * HOUR_MS,
            // Visits are the only event that is cut from geofences.
            wantsZones: model.events.site_visit === 'detected',
          },
        ],
  );
}
