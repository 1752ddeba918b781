import { isDeepStrictEqual } from 'node:util';
import { topics, type Message, type TenantConfigured, type Topic } from '@waybill/contracts';
import { toFault } from '@waybill/fault';
import type { Streams } from '@waybill/stream';
import { readTenant, type RateLimit, type WebhookSource } from '@waybill/tenant';
import type { IpsSourceAt, Logger, SourceDirectory } from '../ports.ts';

interface Tenant {
  readonly sources: ReadonlyMap<string, WebhookSource>;
  readonly ips: readonly IpsSourceAt[];
  readonly limit: RateLimit | undefined;
}

/**
 * Follows the applied tenant files. A version that cannot be read leaves the last good one in force; a
 * withdrawn tenant loses its sources at once.
 */
export async function followSources(
  streams: Pick<Streams, 'follow'>,
  logger: Logger,
): Promise<SourceDirectory> {
  const tenants = new Map<string, Tenant>();
  const onTable = (_topic: Topic, tenantId: string, message: Message | null): void => {
    if (message === null) {
      tenants.delete(tenantId);
      return;
    }
    try {
      // The only contract of this topic.
      const { sources, webhook_limit: limit } = readTenant(message.value as TenantConfigured);
      const own = sources.filter((source) => source.kind === 'webhook');
      const byId = new Map(own.map((source) => [source.source_id, source]));
      const before = tenants.get(tenantId)?.ips ?? [];
      const ips = sources
        .filter((source) => source.kind === 'ips')
        .map((source) => ({ tenantId, sourceId: source.source_id, source }))
        // The same object: its open connections go on.
        .map((one) => before.find((known) => isDeepStrictEqual(known, one)) ?? one);
      tenants.set(tenantId, { sources: byId, ips, limit });
      const count = own.length + ips.length;
      logger.info({ tenant_id: tenantId, sources: count }, 'tenant.configured');
    } catch (error) {
      const { code, message: why } = toFault(error, 'decode');
      logger.error({ tenant_id: tenantId, code, message: why }, 'tenant.refused');
    }
  };
  const { stop } = await streams.follow([topics.tenantConfig], onTable);
  return {
    find: ({ tenantId, sourceId }) => tenants.get(tenantId)?.sources.get(sourceId),
    ips: () => [...tenants.values()].flatMap(({ ips }) => ips),
    limitOf: (tenantId) => tenants.get(tenantId)?.limit,
    size: () =>
      [...tenants.values()].reduce((sum, { sources, ips }) => sum + sources.size + ips.length, 0),
    stop,
  };
}
