import { topics, type Message, type TenantConfigured, type Topic } from '@waybill/contracts';
import { toFault } from '@waybill/fault';
import { readTenant } from '@waybill/tenant';
import { accountsOf } from './accounts.ts';
import type { Account } from './core/account.ts';
import type { ExtractorLogger } from './ports.ts';

/** The accounts of all tenants, as of the newest tenant documents that could be read. */
export interface Tenants {
  /** Takes a record of the tenant table; a document that is refused leaves the last good one active. */
  readonly apply: (topic: Topic, key: string, message: Message | null) => void;
  readonly accounts: () => readonly Account[];
  /** Calls back after each change until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void;
}

/** Follows `tenant.config.state.v1`. */
export function createTenants(logger: Pick<ExtractorLogger, 'warn'>): Tenants {
  const byTenant = new Map<string, readonly Account[]>();
  const listeners = new Set<() => void>();
  return {
    apply: (topic, key, message) => {
      if (topic.name !== topics.tenantConfig.name) return;
      if (message === null) {
        byTenant.delete(key);
      } else {
        try {
          // The only contract of this topic.
          byTenant.set(key, accountsOf(readTenant(message.value as TenantConfigured)));
        } catch (error) {
          const { code, message: text } = toFault(error, 'decode');
          logger.warn({ tenant_id: key, code, message: text }, 'tenant.refused');
          return;
        }
      }
      for (const listener of listeners) listener();
    },
    accounts: () => [...byTenant.values()].flat(),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
