import { createHash } from 'node:crypto';
import type { TenantConfigured } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import { checkModel } from './check-model.ts';
import type { TenantModel } from './model.ts';

/** A model as it travels: canonical JSON and its SHA-256 (hex). */
export interface TenantDocument {
  readonly document: string;
  readonly sha256: string;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Canonical JSON (keys sorted, no spaces): equal models give equal text, so equal hashes. */
export function toDocument(model: TenantModel): TenantDocument {
  const document = JSON.stringify(sorted(model));
  return { document, sha256: sha256(document) };
}

/**
 * The model of a `tenant.config.state.v1` record. Throws a Fault `misconfigured` / `TENANT_INVALID`
 * when the document is damaged or no longer valid for this version of the software.
 */
export function readTenant(message: TenantConfigured): TenantModel {
  const damaged = (what: string): Fault =>
    new Fault(
      `the configuration of ${message.tenant_id} version ${message.version} ${what}; apply the tenant folder again`,
      { kind: 'misconfigured', code: 'TENANT_INVALID', stage: 'decode' },
    );
  if (sha256(message.document) !== message.document_sha256) {
    throw damaged('does not have the hash that it states');
  }
  let value: unknown;
  try {
    value = JSON.parse(message.document);
  } catch {
    throw damaged('is no JSON');
  }
  const model = checkModel(value);
  if (model.tenant_id !== message.tenant_id) throw damaged(`is about ${model.tenant_id}`);
  return model;
}
