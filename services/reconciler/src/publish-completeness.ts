import { topics, type HourCounted, type MessagesCounted } from '@waybill/contracts';
import { reviseSums, type LedgerTx, type TenantHour } from '@waybill/ledger';
import type { Publisher, Received } from '@waybill/stream';
import { assess } from './core/completeness.ts';

const HOUR_MS = 3_600_000;
/** Records per send: a first reading of the counts may touch thousands of hours. */
const SENT_AT_ONCE = 1000;

/** Hours that a record says something about. */
function hoursOf({ message: { type, value } }: Received): readonly TenantHour[] {
  // The contract's name guarantees the type of the value.
  if (type === 'HourCounted') return [value as HourCounted];
  if (type !== 'MessagesCounted') return [];
  const { tenant_id, from_time: from, provider_counts: counts } = value as MessagesCounted;
  return counts.map((_, i) => ({ tenant_id, hour_time: from + i * HOUR_MS }));
}

/**
 * Publishes what is known of each hour that the records were about, inside the transaction that wrote
 * them: the hours stay locked, so the newest revision is the last one in the topic. When the transaction
 * fails after that, the records come again and so does the answer, with a higher revision.
 */
export async function publishCompleteness(
  records: readonly Received[],
  tx: LedgerTx,
  publisher: Publisher,
): Promise<void> {
  const hours = records.flatMap(hoursOf);
  if (hours.length === 0) return;
  const outgoing = (await reviseSums(tx, hours)).map((sums) => ({
    topic: topics.completeness,
    key: `${sums.tenant_id}/${sums.hour_time}`,
    message: { type: 'CompletenessAssessed', value: assess(sums) },
  }));
  for (let from = 0; from < outgoing.length; from += SENT_AT_ONCE) {
    await publisher.send(outgoing.slice(from, from + SENT_AT_ONCE));
  }
}
