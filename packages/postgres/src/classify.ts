import {
  Fault,
  isFault,
  type FaultCategory,
  type FaultKind,
  type FaultStage,
} from '@waybill/fault';

interface Verdict {
  readonly kind: FaultKind;
  readonly code: string;
  readonly category?: FaultCategory;
}

const UNAVAILABLE: Verdict = { kind: 'transient', code: 'DB_UNAVAILABLE' };
const BUSY: Verdict = { kind: 'transient', code: 'DB_BUSY' };
const LOGIN: Verdict = { kind: 'misconfigured', code: 'DB_LOGIN', category: 'authentication' };
const SCHEMA: Verdict = { kind: 'misconfigured', code: 'DB_SCHEMA' };
const CONSTRAINT: Verdict = { kind: 'refused', code: 'DB_CONSTRAINT' };
const VALUE: Verdict = { kind: 'refused', code: 'DB_VALUE' };

/** First match wins, so whole states stand before their classes. */
const BY_SQLSTATE: readonly (readonly [prefix: string, verdict: Verdict])[] = [
  ['40001', BUSY], // serialization failure
  ['40P01', BUSY], // deadlock
  ['55P03', BUSY], // lock not available
  ['57014', BUSY], // statement timeout
  ['55000', UNAVAILABLE], // the database does not accept connections: maintenance
  ['25006', UNAVAILABLE], // read-only: a replica that is being promoted
  ['08', UNAVAILABLE], // connection
  ['53', UNAVAILABLE], // too many connections, disk or memory full
  ['57P', UNAVAILABLE], // shutdown, crash, starting up
  ['58', UNAVAILABLE], // the server's operating system
  ['P0001', CONSTRAINT], // raised by a trigger
  ['23', CONSTRAINT],
  ['22', VALUE],
  ['28', LOGIN],
  ['3D', SCHEMA], // no such database
  ['3F', SCHEMA], // no such schema
  ['42', SCHEMA], // no such table or column, no right on it
];

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The client reports these without a code. */
const CONNECTION_MESSAGES = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'connection error and is not queryable',
  'Client was closed and is not queryable',
  'Query read timeout',
];

/**
 * Total: turns what the client throws into a Fault, by SQLSTATE. The message names table, column and
 * constraint but no value of a row. A Fault passes unchanged; what nobody recognises is a bug `DB_UNEXPECTED`.
 */
export function classify(error: unknown, stage: FaultStage = 'commit'): Fault {
  if (isFault(error)) return error;
  const verdict = verdictOf(error) ?? { kind: 'bug', code: 'DB_UNEXPECTED' };
  return new Fault(messageOf(error), { ...verdict, stage, cause: error });
}

/** Whether the database ended the transaction because others waited for it and it for them: it may be repeated. */
export function isDeadlock(error: unknown): boolean {
  return hasState(error, '40P01');
}

/** Whether a row was refused because there is one with its unique key. */
export function isDuplicate(error: unknown): boolean {
  return hasState(error, '23505');
}

function hasState(error: unknown, sqlState: string): boolean {
  return fieldOf(isFault(error) ? error.cause : error, 'code') === sqlState;
}

function verdictOf(error: unknown): Verdict | undefined {
  const code = fieldOf(error, 'code');
  if (code !== undefined && NETWORK_CODES.has(code)) return UNAVAILABLE;
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code)) {
    return BY_SQLSTATE.find(([prefix]) => code.startsWith(prefix))?.[1];
  }
  const message = error instanceof Error ? error.message : '';
  return CONNECTION_MESSAGES.some((part) => message.includes(part)) ? UNAVAILABLE : undefined;
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const facts = ['code', 'schema', 'table', 'column', 'constraint']
    .map((name) => [name, fieldOf(error, name)] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`);
  // An AggregateError (both addresses of localhost refused) has no message of its own.
  const summary = text === '' ? 'the database cannot be reached' : text;
  return facts.length === 0 ? summary : `${summary} (${facts.join(', ')})`;
}

function fieldOf(error: unknown, name: string): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const value: unknown = (error as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
