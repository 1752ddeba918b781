import {
  binaryArray,
  classify,
  type NamedStatement,
  type Pool,
  type PoolClient,
} from '@waybill/postgres';
import type { ClaimRequest } from '../ports.ts';

const TIME_DIGITS = 8;
const ID_DIGITS = 32;

/** Rows of a statement. Rejects with a Fault of the database. */
export async function query<Row extends object>(
  on: Pool | PoolClient,
  statement: NamedStatement,
): Promise<readonly Row[]> {
  try {
    return (await on.query({ ...statement, values: [...statement.values] })).rows as Row[];
  } catch (error) {
    throw classify(error);
  }
}

/**
 * The id under which a row of `claim` stands: the second (8 hex digits) that is signed, then 24 digits of the hash of
 * the signed bytes. So ids grow with time, and the same bytes always have the same one. Where nothing is signed the
 * time of receipt and the key make one that no other key has.
 */
export function signedId({ signed, requestId, receivedTime }: ClaimRequest): string {
  return timePrefix(signed?.signedTime ?? receivedTime) + uniquePart(signed?.id ?? requestId);
}

/** The lowest id of this second (ms since epoch). */
export function lowestId(time: number): string {
  return timePrefix(time).padEnd(ID_DIGITS, '0');
}

function timePrefix(time: number): string {
  return Math.max(0, Math.floor(time / 1000))
    .toString(16)
    .padStart(TIME_DIGITS, '0');
}

function uniquePart(hash: string): string {
  return hash.slice(0, ID_DIGITS - TIME_DIGITS);
}

/** What of the body's hash is kept: two bodies of one key differ in it. */
export function bodyId({ bodySha256 }: ClaimRequest): string {
  return bodySha256.slice(0, ID_DIGITS);
}

/** One parameter of ids. */
export function idColumn(
  requests: readonly ClaimRequest[],
  id: (request: ClaimRequest) => string,
): Buffer {
  return binaryArray('uuid', requests.map(id));
}

export const requestIdOf = ({ requestId }: ClaimRequest): string => requestId;

/** Of the requests those that rows name by their place, from 1. */
export function atPlaces(
  requests: readonly ClaimRequest[],
  rows: readonly { readonly place: number }[],
): ReadonlySet<ClaimRequest> {
  return new Set(rows.flatMap(({ place }) => requests[place - 1] ?? []));
}
