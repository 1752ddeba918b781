import { extractorFault } from '../errors.ts';
import type { Clock, Wialon } from '../ports.ts';

/** Collecting a long interval takes the provider minutes; everything else answers at once. */
const SLOW_TIMEOUT_MS = 300_000;
const TIMEOUT_MS = 60_000;
const SLOW: ReadonlySet<string> = new Set(['messages/load_interval', 'messages/get_messages']);

/** Limit of one answer; a page of 10,000 messages has about 3 MB. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

/** The Remote API over HTTP (fact sheet, section 1): one form POST per call. */
export function connectWialon(clock: Pick<Clock, 'now'>): Wialon {
  return {
    call: async (url, service, parameters, sid, signal) => {
      const started = clock.now();
      const body = await exchange(url, service, parameters, sid, signal);
      const receivedTime = clock.now();
      const latencyMs = receivedTime - started;
      const json = parse(service, body);
      const refusal = refusalOf(json);
      return refusal === undefined
        ? { kind: 'answer', body, json, receivedTime, latencyMs }
        : { kind: 'refusal', ...refusal, receivedTime, latencyMs };
    },
  };
}

function requestOf(
  base: string,
  service: string,
  parameters: Readonly<Record<string, unknown>>,
  sid: string | undefined,
): { url: string; form: URLSearchParams } {
  // The sid stays out of the address: addresses end up in the logs of whoever stands between.
  const form = new URLSearchParams(sid === undefined ? {} : { sid });
  const root = base.endsWith('/') ? base.slice(0, -1) : base;
  if (service === 'avl_evts') return { url: `${root}/avl_evts`, form };
  form.set('svc', service);
  form.set('params', JSON.stringify(parameters));
  return { url: `${root}/wialon/ajax.html`, form };
}

async function exchange(
  base: string,
  service: string,
  parameters: Readonly<Record<string, unknown>>,
  sid: string | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  const timeoutMs = SLOW.has(service) ? SLOW_TIMEOUT_MS : TIMEOUT_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const { url, form } = requestOf(base, service, parameters, sid);
  try {
    const response = await fetch(url, {
      method: 'POST',
      // Without gzip the provider refuses to load messages.
      headers: { 'accept-encoding': 'gzip', accept: 'application/json' },
      body: form,
      redirect: 'error',
      signal: AbortSignal.any([signal, timeout]),
    });
    const body = await readLimited(response);
    if (response.status !== 200) {
      throw extractorFault(
        'PROVIDER_GARBLED',
        `${service}: expected HTTP 200, found ${response.status}`,
      );
    }
    return body;
  } catch (error) {
    throw transportFault(service, error, signal, timeout, timeoutMs);
  }
}

async function readLimited(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw extractorFault(
        'PROVIDER_GARBLED',
        `expected an answer of at most ${MAX_ANSWER_BYTES} bytes, found more`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function transportFault(
  service: string,
  error: unknown,
  signal: AbortSignal,
  timeout: AbortSignal,
  timeoutMs: number,
): Error {
  if (signal.aborted) return extractorFault('STOPPED', `${service}: stopped`);
  if (timeout.aborted) {
    return extractorFault('PROVIDER_TIMEOUT', `${service}: no answer within ${timeoutMs} ms`);
  }
  if (error instanceof Error && error.name === 'Fault') return error;
  const cause = error instanceof Error ? error.cause : undefined;
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'cut';
  return extractorFault('PROVIDER_UNREACHABLE', `${service}: no complete answer (${code})`);
}

function parse(service: string, body: Buffer): unknown {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    return json;
  } catch {
    // What came instead may be a login page: its text is not quoted.
    throw extractorFault(
      'PROVIDER_GARBLED',
      `${service}: expected JSON, found ${body.length} bytes of something else`,
    );
  }
}

/** `{"error":n,"reason":…}` with n ≠ 0; `{"error":0}` is a success. */
function refusalOf(json: unknown): { code: number; reason: string } | undefined {
  if (typeof json !== 'object' || json === null || !('error' in json)) return undefined;
  const { error } = json;
  if (typeof error !== 'number' || error === 0) return undefined;
  const reason = 'reason' in json && typeof json.reason === 'string' ? json.reason : '';
  return { code: error, reason };
}
