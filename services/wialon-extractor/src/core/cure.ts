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
  /** This unit or resource cannot be read: leave it until the next discovery. */
  | 'skip'
  /** A person must act: this account stops with one clear line, and is tried again after the wait. */
  | 'stop';

/** none; jitter: under 1 s times the try; backoff: 1, 2, 4 … 60 s; refusal: 60 s. */
export type CureWait = 'none' | 'jitter' | 'backoff' | 'refusal';

/** What the cure concerns: the call, the session, a unit or resource of the worker, or the account. */
export type CureScope = 'call' | 'session' | 'worker' | 'account';

/** Line of the authentication audit. */
export type CureAudit = 'EXPIRY' | 'FAILURE' | 'none';

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
  readonly audit: CureAudit;
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
    audit: 'FAILURE',
    why: 'token unknown, not active, or of a disabled user',
  },
  {
    service: 'token/login',
    codes: [1003],
    cure: 'retry',
    scope: 'account',
    wait: 'backoff',
    audit: 'FAILURE',
    why: 'too many logins from this address, or sessions',
  },
  {
    service: 'token/login',
    codes: [],
    cure: 'retry',
    scope: 'account',
    wait: 'backoff',
    audit: 'FAILURE',
    why: 'the provider cannot log anyone in now',
  },
  {
    service: '*',
    codes: [1, 1011],
    cure: 'login',
    scope: 'session',
    wait: 'none',
    audit: 'EXPIRY',
    why: 'the session expired, or our address changed',
  },
  {
    service: '*',
    codes: [1003],
    reason: /NO_SESSION/i,
    cure: 'login',
    scope: 'session',
    wait: 'none',
    audit: 'EXPIRY',
    why: 'the session expired, in other words',
  },
  {
    service: '*',
    codes: [1003],
    reason: /LAYERS_MAX_COUNT/i,
    cure: 'login',
    scope: 'session',
    wait: 'none',
    audit: 'EXPIRY',
    why: 'the layers are used up; a new session has none',
  },
  {
    service: 'messages/unload',
    codes: [],
    cure: 'empty',
    scope: 'call',
    wait: 'none',
    audit: 'none',
    why: 'nothing was loaded',
  },
  {
    service: 'messages/load_interval',
    codes: [1003],
    reason: /gzip|encoding/i,
    cure: 'stop',
    scope: 'account',
    wait: 'refusal',
    audit: 'FAILURE',
    why: 'a proxy removes Accept-Encoding: repeating cannot help',
  },
  {
    service: 'messages/load_interval',
    codes: [2, 1001],
    cure: 'empty',
    scope: 'call',
    wait: 'none',
    audit: 'none',
    why: 'no messages in the interval',
  },
  {
    service: 'messages/load_interval',
    codes: [1004, 1005],
    cure: 'narrow',
    scope: 'call',
    wait: 'none',
    audit: 'none',
    why: 'too many messages, or too long to collect',
  },
  {
    service: 'messages/load_interval',
    codes: [4, 7, 1002],
    cure: 'skip',
    scope: 'worker',
    wait: 'none',
    audit: 'none',
    why: 'the unit is gone, or its messages may not be read',
  },
  {
    service: 'messages/get_messages',
    codes: [1004, 1005],
    cure: 'narrow',
    scope: 'call',
    wait: 'none',
    audit: 'none',
    why: 'the page is too large, or too long to collect',
  },
  {
    service: 'messages/get_messages',
    codes: [2, 4, 1001],
    cure: 'reload',
    scope: 'call',
    wait: 'none',
    audit: 'none',
    why: 'nothing is loaded any more',
  },
  {
    service: 'resource/*',
    codes: [4, 7, 1002],
    cure: 'skip',
    scope: 'worker',
    wait: 'none',
    audit: 'none',
    why: 'the resource is gone, or may not be read',
  },
  {
    service: 'core/batch',
    codes: [2, 4, 6],
    cure: 'empty',
    scope: 'call',
    wait: 'none',
    audit: 'none',
    why: 'batches are not taken: its calls are asked one by one',
  },
  {
    service: 'core/*',
    codes: [7],
    cure: 'stop',
    scope: 'account',
    wait: 'refusal',
    audit: 'FAILURE',
    why: 'the token lacks the right to see units',
  },
  {
    service: 'core/*',
    codes: [4, 8],
    cure: 'login',
    scope: 'session',
    wait: 'none',
    audit: 'EXPIRY',
    why: 'invalid session in other words',
  },
  {
    service: '*',
    codes: [1002],
    cure: 'stop',
    scope: 'account',
    wait: 'refusal',
    audit: 'FAILURE',
    why: 'the billing plan forbids it',
  },
  {
    service: '*',
    codes: [1003],
    reason: /LOCKER_ERROR|api_concurrent/i,
    cure: 'retry',
    scope: 'call',
    wait: 'jitter',
    audit: 'none',
    why: 'another request of this session is still running',
  },
  {
    service: '*',
    codes: [10],
    cure: 'retry',
    scope: 'call',
    wait: 'jitter',
    audit: 'none',
    why: 'too many requests at the same time',
  },
  {
    service: '*',
    codes: [1003],
    cure: 'retry',
    scope: 'call',
    wait: 'backoff',
    audit: 'none',
    why: 'a limit per time; a refused poll has lost nothing',
  },
  {
    service: 'avl_evts',
    codes: [],
    cure: 'reread',
    scope: 'account',
    wait: 'backoff',
    audit: 'none',
    why: 'the feed keeps nothing: what this poll held may be lost',
  },
  {
    service: '*',
    codes: [5, 6, 9],
    cure: 'retry',
    scope: 'call',
    wait: 'backoff',
    audit: 'none',
    why: 'the provider failed inside; more frequent at busy hours',
  },
  {
    service: '*',
    codes: [],
    cure: 'retry',
    scope: 'call',
    wait: 'backoff',
    audit: 'none',
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
