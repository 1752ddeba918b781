import { Fault, type FaultKind } from '@waybill/fault';

/** A month of a busy unit is loaded within this. */
const TIMEOUT_MS = 120_000;
/** Data messages with a position, as the provider's own trips are made of. */
const POSITIONS = { flags: 1, flagsMask: 65_281 };

/** Of which unit and window, and as whom. */
export interface WialonQuestion {
  /** Base address of the Remote API. */
  readonly url: string;
  readonly token: string;
  /** Id at the provider. */
  readonly unitId: number;
  /** ms */
  readonly from: number;
  readonly to: number;
}

function refused(code: string, message: string, kind: FaultKind = 'refused'): Fault {
  return new Fault(message, { kind, code, stage: 'deliver' });
}

/** The error of an answer; nothing of the request stands in the message, because it holds the token. */
function checked(service: string, answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return answer;
  const reason = 'reason' in answer && typeof answer.reason === 'string' ? answer.reason : '';
  const error = typeof answer.error === 'number' ? answer.error : 0;
  if (error === 0) return answer;
  const what = reason === '' ? `error ${error}` : `error ${error}, ${reason}`;
  throw refused('PROVIDER_REFUSED', `the provider refuses ${service}: ${what}`);
}

async function call(
  { url }: WialonQuestion,
  service: string,
  params: object,
  sid: string,
): Promise<unknown> {
  if (!URL.canParse('/wialon/ajax.html', url)) {
    const message = `expected the http(s) address of the provider, found ${url}`;
    throw refused('ADDRESS_INVALID', message, 'misconfigured');
  }
  const body = new URLSearchParams({ svc: service, params: JSON.stringify(params), sid });
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const address = new URL('/wialon/ajax.html', url);
    const response = await fetch(address, { method: 'POST', body, signal });
    return checked(service, await response.json());
  } catch (error) {
    if (error instanceof Fault) throw error;
    const message = `${url} does not answer ${service} as Wialon does`;
    throw new Fault(message, {
      ...{ kind: 'transient', code: 'PROVIDER_UNAVAILABLE', stage: 'deliver' },
      cause: error,
    });
  }
}

/**
 * The provider's own trips of a unit, as `unit/get_trips` answers: a session of its own is opened, loads
 * the window's messages and is closed. Throws `PROVIDER_REFUSED` (the error's number and reason are named),
 * `PROVIDER_UNAVAILABLE`, or `ADDRESS_INVALID`.
 */
export async function askTrips(question: WialonQuestion): Promise<unknown> {
  const { token, unitId: itemId, from, to } = question;
  const login = await call(question, 'token/login', { token }, '');
  const sid = typeof login === 'object' && login !== null && 'eid' in login ? login.eid : undefined;
  if (typeof sid !== 'string') {
    throw refused('PROVIDER_REFUSED', 'the provider answers token/login without a session');
  }
  try {
    const window = { itemId, timeFrom: Math.floor(from / 1000), timeTo: Math.ceil(to / 1000) };
    await call(question, 'messages/load_interval', { ...window, ...POSITIONS, loadCount: 0 }, sid);
    return await call(question, 'unit/get_trips', { ...window, msgsSource: '1' }, sid);
  } finally {
    // A session that stays counts against the account's limit.
    await call(question, 'core/logout', {}, sid).catch(() => undefined);
  }
}
