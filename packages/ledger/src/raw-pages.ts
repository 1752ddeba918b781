import type { RawAddress } from '@waybill/contracts';
import { toInstant } from '@waybill/postgres';
import type { LedgerTx } from './batch.ts';

/** One API response or pushed request, without its body. Instants in ms since epoch. */
export interface LedgerPage {
  readonly call: string;
  readonly parameters: string;
  readonly account: string | null;
  readonly unit: string | null;
  readonly window_from_time: number | null;
  readonly window_to_time: number | null;
  readonly session_hash: string | null;
  readonly received_time: number;
  readonly provider_now_time: number | null;
  readonly first_index: number;
  readonly message_count: number;
  readonly part: number;
  readonly parts: number;
  readonly body_sha256: string;
}

/** Where a raw element stands, and the page there; null when the ledger does not know it (yet). */
export interface RawTrace {
  readonly address: RawAddress;
  readonly page: LedgerPage | null;
}

/** Looks up the page of an address among those that were read. */
export type Pages = (address: RawAddress) => RawTrace;

interface PageRow {
  readonly topic: string;
  readonly partition: number;
  readonly raw_offset: string;
  readonly call: string;
  readonly parameters: string;
  readonly account: string | null;
  readonly unit: string | null;
  readonly window_from_time: Date | null;
  readonly window_to_time: Date | null;
  readonly session_hash: string | null;
  readonly received_time: Date;
  readonly provider_now_time: Date | null;
  readonly first_index: number;
  readonly message_count: number;
  readonly part: number;
  readonly parts: number;
  readonly body_sha256: string;
}

export function instantOf(date: Date | null): number | null {
  return date === null ? null : toInstant(date);
}

function readPage({
  topic: _topic,
  partition: _partition,
  raw_offset: _offset,
  ...row
}: PageRow): LedgerPage {
  return {
    ...row,
    window_from_time: instantOf(row.window_from_time),
    window_to_time: instantOf(row.window_to_time),
    received_time: toInstant(row.received_time),
    provider_now_time: instantOf(row.provider_now_time),
  };
}

const pagesAt = `select topic, partition, raw_offset, call, parameters, account, unit,
  window_from_time, window_to_time, session_hash, received_time, provider_now_time, first_index,
  message_count, part, parts, body_sha256
from ledger.page
where (topic, partition, raw_offset) in (select * from unnest($1::text[], $2::integer[], $3::bigint[]))`;

/** Pages at the addresses, in one query. */
export async function readPages(db: LedgerTx, addresses: readonly RawAddress[]): Promise<Pages> {
  const { rows } = await db.query<PageRow>(pagesAt, [
    addresses.map(({ topic }) => topic),
    addresses.map(({ partition }) => partition),
    addresses.map(({ offset }) => String(offset)),
  ]);
  const pages = new Map(
    rows.map((row) => [`${row.topic}/${row.partition}/${row.raw_offset}`, readPage(row)]),
  );
  return (address) => ({
    address,
    page: pages.get(`${address.topic}/${address.partition}/${address.offset}`) ?? null,
  });
}
