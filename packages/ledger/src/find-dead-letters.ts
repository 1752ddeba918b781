import type { RawAddress } from '@waybill/contracts';
import { toInstant } from '@waybill/postgres';
import type { LedgerTx } from './batch.ts';
import { instantOf, readPages, type Pages, type RawTrace } from './raw-pages.ts';

/** A refused element. Instants in ms since epoch. */
export interface LedgerDeadLetter {
  readonly service: string;
  readonly element_id: string;
  readonly code: string;
  readonly kind: string;
  readonly unit: string | null;
  readonly message: string;
  readonly violations: readonly { readonly path: string; readonly message: string }[];
  readonly attempts: number;
  readonly rejections: number;
  readonly event_time: number | null;
  readonly rejected_time: number;
  readonly trace: RawTrace;
}

interface DeadLetterRow {
  readonly service: string;
  readonly element_id: string;
  readonly code: string;
  readonly kind: string;
  readonly unit: string | null;
  readonly message: string;
  readonly violations: readonly { readonly path: string; readonly message: string }[];
  readonly attempts: number;
  readonly rejections: number;
  readonly event_time: Date | null;
  readonly rejected_time: Date;
  readonly topic: string;
  readonly partition: number;
  readonly raw_offset: string;
  readonly raw_index: number;
}

const deadLetterColumns = `service, element_id, code, kind, unit, message, violations, attempts,
  rejections, event_time, rejected_time, topic, partition, raw_offset, raw_index`;

function addressOf(row: DeadLetterRow): RawAddress {
  const { topic, partition, raw_offset: offset, raw_index: index } = row;
  return { topic, partition, offset: Number(offset), index };
}

function readDeadLetter(row: DeadLetterRow, pages: Pages): LedgerDeadLetter {
  const {
    topic: _topic,
    partition: _partition,
    raw_offset: _offset,
    raw_index: _index,
    ...rest
  } = row;
  return {
    ...rest,
    event_time: instantOf(row.event_time),
    rejected_time: toInstant(row.rejected_time),
    trace: pages(addressOf(row)),
  };
}

/** Dead letters whose element is `elementId`, or the ones of a unit around an instant (± 1 h of device time). */
export async function findDeadLetters(
  db: LedgerTx,
  tenant: string | null,
  where: { readonly elementId: string } | { readonly unit: string; readonly at: number },
): Promise<readonly LedgerDeadLetter[]> {
  const byElement = 'elementId' in where;
  const { rows } = await db.query<DeadLetterRow>(
    `select ${deadLetterColumns} from ledger.dead_letter
     where ($1::text is null or tenant_id = $1) and ${
       byElement
         ? 'element_id = $2'
         : `left(unit, 64) = left($2, 64) and unit = $2 and event_time between $3::timestamptz - interval '1 hour'
              and $3::timestamptz + interval '1 hour'`
     }
     order by rejected_time limit 50`,
    byElement ? [tenant, where.elementId] : [tenant, where.unit, new Date(where.at)],
  );
  const pages = await readPages(db, rows.map(addressOf));
  return rows.map((row) => readDeadLetter(row, pages));
}
