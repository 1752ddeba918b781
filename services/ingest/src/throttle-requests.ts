import type { RateLimit } from '@waybill/tenant';
import type { SourceAddress } from './core/source-address.ts';
import { throttle, type Policy, type Throttled } from './core/throttle.ts';
import type { Bucket } from './core/token-bucket.ts';
import type { SourceDirectory } from './ports.ts';

/** What the tenant file says to one more request; undefined = it limits nothing. */
export type Throttle = (
  address: SourceAddress,
  source: { readonly limit?: RateLimit | undefined },
  now: number,
) => Throttled | undefined;

/**
 * Limits of sources and tenants in this process; several instances each allow the limit. Only
 * authenticated requests may be counted, else a stranger could use up a sender's share. One bucket per
 * limited source and tenant of the tenant files.
 */
export function createThrottle(sources: Pick<SourceDirectory, 'limitOf'>): Throttle {
  const buckets = new Map<string, Bucket>();
  return ({ tenantId, sourceId }, source, now) => {
    const ofTenant = sources.limitOf(tenantId);
    if (source.limit === undefined && ofTenant === undefined) return undefined;
    const policies: Policy[] = [];
    if (source.limit !== undefined) {
      policies.push({ name: 'source', owner: `${tenantId}/${sourceId}`, limit: source.limit });
    }
    if (ofTenant !== undefined) policies.push({ name: 'tenant', owner: tenantId, limit: ofTenant });
    return throttle(buckets, policies, now);
  };
}
