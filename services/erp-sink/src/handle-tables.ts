import { topics, type IdMapped, type Message, type Topic } from '@waybill/contracts';
import { configKey } from './handle-events.ts';
import type { Ports } from './ports.ts';
import type { Targets } from './targets.ts';
import type { Tenants } from './tenants.ts';

interface Parts {
  readonly ports: Pick<Ports, 'inbox' | 'mappings' | 'transaction' | 'logger' | 'metrics'>;
  readonly tenants: Tenants;
  readonly targets: Targets;
}

/** Takes records of the tables: tenant files and the id map. May be called again with the same record. */
export function createTableHandler(
  parts: Parts,
): (topic: Topic, key: string, message: Message | null) => Promise<void> {
  return async (topic, key, message) => {
    if (topic.name === topics.tenantConfig.name) await configure(parts, key, message);
    // A mapping ends by a version that says so; a tombstone only clears the topic.
    else if (message !== null) await applyMapping(parts, message.value as IdMapped);
  };
}

async function configure(parts: Parts, key: string, message: Message | null): Promise<void> {
  const { ports, tenants, targets } = parts;
  const model = tenants.configure(key, message);
  if (model === undefined) return;
  const { tenant_id: tenantId, erp } = model;
  targets.forget(tenantId);
  const resumed = await ports.transaction(async (tx) => {
    const assigned = await ports.inbox.assignTarget(tx, tenantId, erp.target);
    const released = await ports.inbox.release(tx, configKey(tenantId));
    return assigned + released + (await ports.inbox.resume(tx, tenantId));
  });
  ports.logger.info({ tenant_id: tenantId, resumed }, 'tenant.configured');
}

async function applyMapping({ ports }: Parts, mapping: IdMapped): Promise<void> {
  const facts = await ports.mappings.apply(mapping);
  if (facts === 0) return;
  ports.metrics.reworked(facts);
  const { tenant_id, entity, telematics_id, version } = mapping;
  ports.logger.info({ tenant_id, entity, telematics_id, version, facts }, 'mapping.applied');
}
