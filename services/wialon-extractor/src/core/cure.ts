/** What to do about an error answer. */
export type Cure =
  /** Ask again after the wait; after the last try a new session. */
  | 'retry'
  /** The session is gone: log in, subscribe, read everything again that may be incomplete. */
  | 'login'
  /** Log in with the other token; with none left, wait. */
  | 'next_token'
  /** Halve the interval and read both halves. */
  | 'narrow'
  /** The loader is gone: load the interval again. */
  | 'reload'
  /** The answer of the live feed is lost: read all units again with the lookback. */
  | 'reread'
  /** There is nothing: go on. */
  | 'empty'
  /** This item cannot be read: leave it until the next discovery. */
  | 'skip'
  /** A person must act: this account stops with one clear line, and is tried again after the wait. */
  | 'stop';

/** none; jitter: under 1 s times the try; backoff: 1, 2, 4 … 60 s; refusal: 60 s. */
export type CureWait = 'none' | 'jitter' | 'backoff' | 'refusal';

/** What the cure concerns. */
export type CureScope = 'call' | 'interval' | 'item' | 'session' | 'account';

/** One line of the table. */
export interface CureRow {
  /** `*` = any service. */
  readonly service: string;
  /** Empty = any code. */
  readonly codes: readonly number[];
  /** Must match the answer's reason, when given. */
  readonly reason?: RegExp;
  readonly cure: Cure;
  readonly scope: CureScope;
  readonly wait: CureWait;
  readonly why: string;
}

/** The cures of all error answers; the first row that matches counts. Printed in the README. */
export const cures: readonly CureRow[] = [
  {
    service: 'token/login',
    codes: [4, 7, 8],
    cure: 'next_token',
    scope: 'account',
    wait: 'refusal',
    why: 'token of the wrong length, not active, of a disabled user, or unknown',
  },
  {
    service: 'token/login',
    codes: [1003],
    cure: 'retry',
    scope: 'account',
    wait: 'backoff',
    why: 'too many logins from this address',
  },
  {
    service: 'token/login',
    codes: [],
    cure: 'retry',
    scope: 'account',
    wait: 'backoff',
    why: 'the provider cannot log anyone in now',
  },
  {
    service: '*',
    codes: [1, 1011],
    cure: 'login',
    scope: 'session',
    wait: 'none',
    why: 'the session expired, or our address changed',
  },
  {
    service: 'messages/unload',
    codes: [],
    cure: 'empty',
    scope: 'call',
    wait: 'none',
    why: 'nothing was loaded',
  },
  {
    service: 'messages/load_interval',
    codes: [1003],
    reason: /gzip|encoding/i,
    cure: 'stop',
    scope: 'account',
    wait: 'refusal',
    why: 'something between us and the provider removes Accept-Encoding: repeating cannot help',
  },
  {
    service: 'messages/load_interval',
    codes: [2, 1001],
    cure: 'empty',
    scope: 'interval',
    wait: 'none',
    why: 'no messages in the interval',
  },
  {
    service: 'messages/load_interval',
    codes: [1004, 1005],
    cure: 'narrow',
    scope: 'interval',
    wait: 'none',
    why: 'too many messages, or too long to collect',
  },
  {
    service: 'messages/load_interval',
    codes: [4, 7],
    cure: 'skip',
    scope: 'item',
    wait: 'none',
    why: 'the unit is gone, or its messages may not be read',
  },
  {
    service: 'messages/get_messages',
    codes: [1004, 1005],
    cure: 'narrow',
    scope: 'interval',
    wait: 'none',
    why: 'the page is too large, or too long to collect',
  },
  {
    service: 'messages/get_messages',
    codes: [2, 4, 1001],
    cure: 'reload',
    scope: 'interval',
    wait: 'none',
    why: 'nothing is loaded any more',
  },
  {
    service: 'resource/get_zone_data',
    codes: [4, 7],
    cure: 'skip',
    scope: 'item',
    wait: 'none',
    why: 'the resource is gone, or its zones may not be read',
  },
  {
    service: 'core/*',
    codes: [7],
    cure: 'stop',
    scope: 'account',
    wait: 'refusal',
    why: 'the token lacks the right to see units',
  },
  {
    service: 'core/*',
    codes: [4, 8],
    cure: 'login',
    scope: 'session',
    wait: 'backoff',
    why: 'invalid session in other words',
  },
  {
    service: '*',
    codes: [10, 1003],
    cure: 'retry',
    scope: 'call',
    wait: 'jitter',
    why: 'a limit of requests at the same time, or per period',
  },
  {
    service: 'avl_evts',
    codes: [],
    cure: 'reread',
    scope: 'account',
    wait: 'backoff',
    why: 'the feed keeps no events for later: what this poll held may be lost',
  },
  {
    service: '*',
    codes: [5, 6, 9],
    cure: 'retry',
    scope: 'call',
    wait: 'backoff',
    why: 'the provider failed inside; more frequent at busy hours',
  },
  {
    service: '*',
    codes: [],
    cure: 'retry',
    scope: 'call',
    wait: 'backoff',
    why: 'a code that is not known to help in another way',
  },
];

function isService(pattern: string, service: string): boolean {
  return pattern.endsWith('*') ? service.startsWith(pattern.slice(0, -1)) : pattern === service;
}

/** The cure of an error answer. Total: the last row matches everything. */
export function cureFor(service: string, code: number, reason: string = ''): CureRow {
  const row = cures.find(
    (candidate) =>
      isService(candidate.service, service) &&
      (candidate.codes.length === 0 || candidate.codes.includes(code)) &&
      (candidate.reason === undefined || candidate.reason.test(reason)),
  );
  // The table ends with a row for any service and any code.
  return row as CureRow;
}
