import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { streamFault } from './errors.ts';

/** The one file that talks to the schema registry (Confluent-compatible API). */
export interface Registry {
  /** Id under which `schemaText` is registered for the subject, undefined when it is not. */
  readonly idOf: (subject: string, schemaText: string) => Promise<number | undefined>;
  /** Text of a schema id, undefined when the registry does not know it. */
  readonly textOf: (id: number) => Promise<string | undefined>;
  /** Registers the text and returns its id; refuses incompatible changes (FULL_TRANSITIVE). */
  readonly register: (subject: string, schemaText: string) => Promise<number>;
}

const TIMEOUT_MS = 5_000;
// 4 tries, 0.2 + 0.4 + 0.8 s apart: covers a restart of a node, not an outage.
const RETRY_DELAYS_MS = [200, 400, 800];
const COMPATIBILITY_LEVEL = COMPATIBILITY.FULL_TRANSITIVE;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Equal schemas have equal canonical forms: key order and `{"type": "string"}` do not matter. */
export function canonicalSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonicalSchema);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'type' && typeof only[1] === 'string') return only[1];
  return Object.fromEntries(
    entries
      .map(([key, inner]) => [key, canonicalSchema(inner)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** True when both texts are the same schema, our own attributes included. */
export function sameSchema(left: string, right: string): boolean {
  const canonical = (text: string): string => JSON.stringify(canonicalSchema(JSON.parse(text)));
  return left === right || canonical(left) === canonical(right);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function once(address: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(address, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  if (response.status >= 500) throw new Error(`status ${response.status}: ${text.slice(0, 200)}`);
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** Connects lazily; every call ends in a Fault `REGISTRY_UNAVAILABLE` when nothing answers. */
export function openRegistry(url: string, clientId: string): Registry {
  const base = url.replace(/\/+$/, '');
  const library = new SchemaRegistry({ host: base, clientId, retry: { retries: 3 } });

  async function request(path: string, init: RequestInit = {}): Promise<Answer> {
    for (const [attempt, delay] of [...RETRY_DELAYS_MS, undefined].entries()) {
      try {
        return await once(`${base}${path}`, init);
      } catch (error) {
        if (delay === undefined) {
          const text = error instanceof Error ? error.message : String(error);
          throw streamFault(
            'REGISTRY_UNAVAILABLE',
            'start',
            `expected the schema registry at ${base}, got "${text}" ${attempt + 1} times: check SCHEMA_REGISTRY_URL`,
            error,
          );
        }
        await wait(delay);
      }
    }
    throw new Error('unreachable');
  }

  const subjectPath = (subject: string): string => `/subjects/${encodeURIComponent(subject)}`;

  async function idOf(subject: string, schemaText: string): Promise<number | undefined> {
    const latest = await request(`${subjectPath(subject)}/versions/latest`);
    if (latest.status === 404) return undefined;
    const newest = latest.body as { id: number; version: number; schema: string };
    if (sameSchema(newest.schema, schemaText)) return newest.id;
    // A newer minor version is registered already: ours is one of the earlier ones, or none.
    const list = await request(`${subjectPath(subject)}/versions`);
    for (const version of (list.body as number[]).toReversed()) {
      const { body } = await request(`${subjectPath(subject)}/versions/${version}`);
      const found = body as { id: number; schema: string };
      if (sameSchema(found.schema, schemaText)) return found.id;
    }
    return undefined;
  }

  async function registerOnce(subject: string, schemaText: string): Promise<number> {
    const { id } = await library.register(
      { type: SchemaType.AVRO, schema: schemaText },
      { subject, compatibility: COMPATIBILITY_LEVEL },
    );
    return id;
  }

  /** Two processes provision at once: what counts is that the contract is there. */
  async function registeredMeanwhile(
    subject: string,
    schemaText: string,
    error: unknown,
  ): Promise<number> {
    const known = await idOf(subject, schemaText);
    if (known === undefined) throw refused(subject, error);
    return known;
  }

  return {
    idOf,
    textOf: async (id) => {
      const { status, body } = await request(`/schemas/ids/${id}`);
      return status === 404 ? undefined : (body as { schema: string }).schema;
    },
    register: async (subject, schemaText) => {
      const known = await idOf(subject, schemaText);
      if (known !== undefined) return known;
      try {
        return await registerOnce(subject, schemaText);
      } catch (error) {
        const { name } = error as Error;
        if (name !== 'ConfluentSchemaRegistryCompatibilityError') {
          return registeredMeanwhile(subject, schemaText, error);
        }
      }
      // A crash between registration and PUT /config left the global level: set ours, then go on.
      await request(`/config/${encodeURIComponent(subject)}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: JSON.stringify({ compatibility: COMPATIBILITY_LEVEL }),
      });
      try {
        return await registerOnce(subject, schemaText);
      } catch (error) {
        return registeredMeanwhile(subject, schemaText, error);
      }
    },
  };
}

function refused(subject: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  return streamFault(
    'REGISTRY_REFUSED',
    'start',
    `expected to register ${subject}, the registry answered: ${text.replaceAll(/\s+/g, ' ')}`,
    error,
  );
}
