import { isFault, type Fault } from '@waybill/fault';
import { extractorFault, withAnswer } from '../errors.ts';
import type { Clock, UnusableAnswer, Wialon } from '../ports.ts';
import { partialOf, post, postCodes, type PostAnswer } from './http-post.ts';

/** Collecting a long interval takes the provider minutes; everything else answers at once. */
const SLOW_TIMEOUT_MS = 300_000;
const TIMEOUT_MS = 60_000;
const SLOW: ReadonlySet<string> = new Set(['messages/load_interval', 'messages/get_messages']);

/** Limit of one answer; a page of 10,000 messages has about 3 MB. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

/**
 * The Remote API over HTTP (fact sheet, section 1): one form POST per call. `send` stands for the network in
 * simulations.
 */
export function connectWialon(clock: Pick<Clock, 'now'>, send: typeof post = post): Wialon {
  return {
    call: async (url, service, parameters, sid, signal) => {
      const started = clock.now();
      const answer = await exchange(send, { url, service, parameters, sid, signal });
      const { body } = answer;
      const receivedTime = clock.now();
      const latencyMs = receivedTime - started;
      const json = parse(service, answer);
      const refusal = refusalOf(json);
      return refusal === undefined
        ? { kind: 'answer', body, json, receivedTime, latencyMs }
        : { kind: 'refusal', ...refusal, receivedTime, latencyMs };
    },
  };
}

function requestOf({ url, service, parameters, sid }: Call): { url: string; form: string } {
  // The sid stays out of the address: addresses end up in the logs of whoever stands between.
  const form = new URLSearchParams(sid === undefined ? {} : { sid });
  const root = url.endsWith('/') ? url.slice(0, -1) : url;
  if (service === 'avl_evts') return { url: `${root}/avl_evts`, form: form.toString() };
  form.set('svc', service);
  form.set('params', JSON.stringify(parameters));
  return { url: `${root}/wialon/ajax.html`, form: form.toString() };
}

interface Call {
  readonly url: string;
  readonly service: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly sid: string | undefined;
  readonly signal: AbortSignal;
}

async function exchange(send: typeof post, call: Call): Promise<PostAnswer> {
  const { service, signal } = call;
  const timeoutMs = SLOW.has(service) ? SLOW_TIMEOUT_MS : TIMEOUT_MS;
  const limitBytes = MAX_ANSWER_BYTES;
  try {
    const answer = await send({ ...requestOf(call), signal, timeoutMs, limitBytes });
    const { status } = answer;
    if (status === 200) return answer;
    const message = `${service}: expected HTTP 200, found ${status}`;
    throw withAnswer(extractorFault('PROVIDER_GARBLED', message), unusable(answer));
  } catch (error) {
    const fault = transportFault(service, error, signal, timeoutMs);
    const partial = partialOf(error);
    throw partial === undefined ? fault : withAnswer(fault, unusable(partial));
  }
}

function transportFault(
  service: string,
  error: unknown,
  signal: AbortSignal,
  timeoutMs: number,
): Fault {
  if (signal.aborted) return extractorFault('STOPPED', `${service}: stopped`);
  if (isFault(error)) return error;
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'cut';
  if (code === postCodes.timeout) {
    return extractorFault('PROVIDER_TIMEOUT', `${service}: no answer within ${timeoutMs} ms`);
  }
  if (code === postCodes.tooLarge) {
    return extractorFault(
      'PROVIDER_GARBLED',
      `${service}: expected an answer of at most ${MAX_ANSWER_BYTES} bytes, found more`,
    );
  }
  return extractorFault('PROVIDER_UNREACHABLE', `${service}: no complete answer (${code})`);
}

function unusable({ status, contentType, body }: PostAnswer): UnusableAnswer {
  return { status, contentType: contentType ?? null, body };
}

function parse(service: string, answer: PostAnswer): unknown {
  const { body } = answer;
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    return json;
  } catch {
    // What came instead may be a login page: its text is not quoted.
    const message = `${service}: expected JSON, found ${body.length} bytes of something else`;
    throw withAnswer(extractorFault('PROVIDER_GARBLED', message), unusable(answer));
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
