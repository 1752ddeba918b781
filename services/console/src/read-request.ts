import { type MappedEntity, type MappingInterval } from '@waybill/contracts';
import { parseInstant } from '@waybill/domain';
import type { Fault } from '@waybill/fault';
import { mappedEntities, type IdMapEntry } from '@waybill/tenant';
import { consoleFault } from './errors.ts';

/** Longest id of either system; beyond it PostgreSQL could not index it. */
const ID_LENGTH = 200;

export function malformed(message: string): Fault {
  return consoleFault('REQUEST_MALFORMED', message);
}

/** A JSON object. Throws `REQUEST_MALFORMED`. */
export function readObject(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('expected a JSON object as body');
  }
  // Checked just above; its values stay unknown.
  return value as Readonly<Record<string, unknown>>;
}

function readId(value: unknown, name: string): string {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= ID_LENGTH) {
    return value.trim();
  }
  throw malformed(`expected ${name} as text of 1 to ${ID_LENGTH} characters`);
}

function readEntity(value: unknown): MappedEntity {
  const entity = mappedEntities.find((known) => known === value);
  if (entity) return entity;
  throw malformed(`expected entity as one of ${mappedEntities.join(', ')}`);
}

/** An instant with offset, or ms; null when absent. */
export function readInstant(value: unknown, name: string): number | null {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  const ms = typeof value === 'string' ? parseInstant(value) : undefined;
  if (ms !== undefined) return ms;
  throw malformed(
    `expected ${name} as an instant with offset, such as 2026-01-31T00:00:00Z, or null`,
  );
}

function readInterval(value: unknown): MappingInterval {
  if (typeof value !== 'object' || value === null) {
    throw malformed('expected intervals as objects {erp_id, valid_from, valid_to}');
  }
  const interval = value as Readonly<Record<string, unknown>>;
  return {
    erp_id: readId(interval['erp_id'], 'erp_id'),
    valid_from_time: readInstant(
      interval['valid_from'] ?? interval['valid_from_time'],
      'valid_from',
    ),
    valid_to_time: readInstant(interval['valid_to'] ?? interval['valid_to_time'], 'valid_to'),
  };
}

/** Who asks: `by` in the body, for the audit. */
export function readActor(body: Readonly<Record<string, unknown>>): string {
  const { by } = body;
  return typeof by === 'string' && by.trim() !== '' ? by.trim().slice(0, ID_LENGTH) : 'console';
}

/** `{tenant, entity, telematics_id, intervals}`. Throws `REQUEST_MALFORMED`. */
export function readMapping(body: Readonly<Record<string, unknown>>): IdMapEntry & {
  readonly tenantId: string;
} {
  const { intervals } = body;
  if (!Array.isArray(intervals)) {
    throw malformed('expected intervals as a list; an empty one deletes the id');
  }
  return {
    tenantId: readId(body['tenant'], 'tenant'),
    entity: readEntity(body['entity']),
    telematics_id: readId(body['telematics_id'], 'telematics_id'),
    intervals: intervals.map(readInterval),
  };
}

/** The id map that came with a model; none = empty. Throws `REQUEST_MALFORMED`. */
export function readIdMap(value: unknown): readonly IdMapEntry[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed('expected idmap as a list');
  return value.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null)
      throw malformed('expected idmap entries as objects');
    const { tenantId: _tenant, ...mapping } = readMapping({ ...entry, tenant: '-' });
    return mapping;
  });
}
