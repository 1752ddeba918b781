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

// A registry that was just started takes seconds for its first registration.
const TIMEOUT_MS = 10_000;
// 4 tries, 0.2 + 0.4 + 0.8 s apart: covers a restart of a node, not an outage.
const RETRY_DELAYS_MS = [200, 400, 800];
const COMPATIBILITY_LEVEL = 'FULL_TRANSITIVE';
const JSON_TYPE = { 'content-type': 'application/vnd.schemaregistry.v1+json' };

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

async function once(address: string, init: RequestInit, timeoutMs: number): Promise<Answer> {
  const response = await fetch(address, { ...init, signal: AbortSignal.timeout(timeoutMs) });
  const text = await response.text();
  if (response.status >= 500) throw new Error(`status ${response.status}: ${text.slice(0, 200)}`);
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/**
 * Connects lazily; every call, registrations included, ends in a Fault `REGISTRY_UNAVAILABLE` when
 * nothing answers for `timeoutMs`, four times.
 */
export function openRegistry(url: string, timeoutMs = TIMEOUT_MS): Registry {
  const base = url.replace(/\/+$/, '');

  async function request(path: string, init: RequestInit = {}): Promise<Answer> {
    for (const [attempt, delay] of [...RETRY_DELAYS_MS, undefined].entries()) {
      try {
        return await once(`${base}${path}`, init, timeoutMs);
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

  /** The registry's word when it answered, but not with what was asked for. */
  function refused(subject: string, { status, body }: Answer): Error {
    const { message = `status ${status}` } = (body ?? {}) as { message?: string };
    return streamFault(
      'REGISTRY_REFUSED',
      'start',
      `expected to register ${subject}, the registry answered: ${message.replaceAll(/\s+/g, ' ')}`,
    );
  }

  /** Undefined when the registry does not know the subject, else with the id if it has our text. */
  async function find(subject: string, text: string): Promise<{ id?: number } | undefined> {
    const latest = await request(`${subjectPath(subject)}/versions/latest`);
    if (latest.status === 404) return undefined;
    if (latest.status >= 400) throw refused(subject, latest);
    const newest = latest.body as { id: number; schema: string };
    if (sameSchema(newest.schema, text)) return { id: newest.id };
    // A newer minor version is registered already: ours is one of the earlier ones, or none.
    const list = await request(`${subjectPath(subject)}/versions`);
    for (const version of (list.body as number[]).toReversed()) {
      const { body } = await request(`${subjectPath(subject)}/versions/${version}`);
      const found = body as { id: number; schema: string };
      if (sameSchema(found.schema, text)) return { id: found.id };
    }
    return {};
  }

  /** Safe to repeat: the same schema has the same id. */
  async function write(
    subject: string,
    path: string,
    method: string,
    body: object,
  ): Promise<unknown> {
    const init = { method, headers: JSON_TYPE, body: JSON.stringify(body) };
    const answer = await request(path, init);
    if (answer.status >= 400) throw refused(subject, answer);
    return answer.body;
  }

  /** Of two processes that set it first at once one is refused; then it is there to be changed. */
  async function setLevel(subject: string): Promise<void> {
    const path = `/config/${encodeURIComponent(subject)}`;
    const set = (): Promise<unknown> =>
      write(subject, path, 'PUT', { compatibility: COMPATIBILITY_LEVEL });
    await set().catch(set);
  }

  /** Of two processes that write the first version at once one is refused: what counts is the text. */
  async function addVersion(subject: string, text: string): Promise<number> {
    try {
      const path = `${subjectPath(subject)}/versions`;
      return ((await write(subject, path, 'POST', { schema: text })) as { id: number }).id;
    } catch (error) {
      const found = await find(subject, text);
      if (found?.id === undefined) throw error;
      return found.id;
    }
  }

  return {
    idOf: async (subject, schemaText) => (await find(subject, schemaText))?.id,
    textOf: async (id) => {
      const { status, body } = await request(`/schemas/ids/${id}`);
      return status === 404 ? undefined : (body as { schema: string }).schema;
    },
    register: async (subject, schemaText) => {
      const found = await find(subject, schemaText);
      if (found?.id !== undefined) return found.id;
      // A crash between the first version and its level left the global one: ours comes first.
      if (found) await setLevel(subject);
      const id = await addVersion(subject, schemaText);
      if (!found) await setLevel(subject);
      return id;
    },
  };
}
