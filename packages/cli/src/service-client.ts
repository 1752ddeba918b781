import { Fault, type FaultKind } from '@waybill/fault';

const TIMEOUT_MS = 60_000;

const kinds: ReadonlySet<string> = new Set<FaultKind>([
  'transient',
  'refused',
  'malformed',
  'unmapped',
  'misconfigured',
  'cancelled',
  'bug',
]);

function isKind(value: unknown): value is FaultKind {
  return typeof value === 'string' && kinds.has(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The Fault that a service answered, as far as the body tells it. */
function answered(address: URL, status: number, body: unknown): Fault {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const kind = 'kind' in fields && isKind(fields.kind) ? fields.kind : undefined;
  const code = 'code' in fields && typeof fields.code === 'string' ? fields.code : `HTTP_${status}`;
  const message =
    'message' in fields && typeof fields.message === 'string'
      ? fields.message
      : `${address.href} answered ${status}; is it the address of the right service?`;
  return new Fault(message, { kind: kind ?? 'refused', code, stage: 'deliver' });
}

/**
 * Asks a service of ours. Throws its own Fault when it refuses, Fault `transient` /
 * `SERVICE_UNREACHABLE` when it does not answer, `misconfigured` / `ADDRESS_INVALID` for a bad address.
 */
export async function ask(base: string, path: string, body?: object): Promise<unknown> {
  if (!URL.canParse(path, base) || !/^https?:/.test(base)) {
    throw new Fault(`expected an http:// address of a service, found ${base}`, {
      kind: 'misconfigured',
      code: 'ADDRESS_INVALID',
      stage: 'start',
    });
  }
  const address = new URL(path, base);
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch (error) {
    throw new Fault(
      `${address.origin} does not answer; is the service running, and is this its address?`,
      { kind: 'transient', code: 'SERVICE_UNREACHABLE', stage: 'deliver', cause: error },
    );
  }
  const value = parse(text);
  if (!response.ok || value === undefined) throw answered(address, response.status, value);
  return value;
}
