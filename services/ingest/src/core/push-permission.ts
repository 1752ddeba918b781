import type { Answer } from './answer.ts';

/** In `INGEST_EVENT_ORIGINS`: everybody may ask; sources and proofs are the same. */
const EVERYBODY = '*';
/** Requests per minute, as the sender asks for them. */
const RATE = /^[1-9][0-9]{0,8}$/;

/**
 * The answer to `OPTIONS` of a sender that asks before it pushes (CloudEvents, HTTP 1.1 Web Hooks for Event
 * Delivery, section 4). Undefined: it did not ask, or is not one of `origins`, and learns nothing. Permission
 * is given at once: an address that the sender names for a later answer is never called. The rate is granted
 * as asked for; limits of the tenant file hold all the same (429).
 */
export function pushPermission(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  origins: readonly string[],
): Answer | undefined {
  const origin = headers['webhook-request-origin'];
  if (typeof origin !== 'string') return undefined;
  const asked = origin.toLowerCase();
  const allowed = origins.find((name) => name === EVERYBODY || name.toLowerCase() === asked);
  if (allowed === undefined) return undefined;
  const rate = headers['webhook-request-rate'];
  const granted = typeof rate === 'string' && RATE.test(rate) ? rate : EVERYBODY;
  return {
    status: 200,
    headers: {
      allow: 'POST',
      'webhook-allowed-origin': allowed,
      ...(rate === undefined ? {} : { 'webhook-allowed-rate': granted }),
    },
    body: '',
  };
}
