import { topics, type HourCounted, type MessagesCounted } from '@waybill/contracts';
import { expireHours, reviseSums, type LedgerTx, type TenantHour } from '@waybill/ledger';
import type { Outgoing, Received } from '@waybill/stream';
import { assess } from './core/completeness.ts';
import type { Ports } from './ports.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Records per send: a first reading of the counts may touch thousands of hours. */
const SENT_AT_ONCE = 1000;

function keyOf({ tenant_id: tenant, hour_time: hour }: TenantHour): string {
  return `${tenant}/${hour}`;
}

/** Hours that a record says something about. */
function hoursOf({ message: { type, value } }: Received): readonly TenantHour[] {
  // The contract's name guarantees the type of the value.
  if (type === 'HourCounted') return [value as HourCounted];
  if (type !== 'MessagesCounted') return [];
  const { tenant_id, from_time: from, provider_counts: counts } = value as MessagesCounted;
  return counts.map((_, i) => ({ tenant_id, hour_time: from + i * HOUR_MS }));
}

/**
 * Publishes what is known of each hour that the records were about, and takes those out of the topic that are
 * too old by now, inside the transaction that wrote
 * them: the hours stay locked, so the newest revision is the last one in the topic. When the transaction
 * fails after that, the records come again and so does the answer, with a higher revision.
 */
export async function publishCompleteness(
  records: readonly Received[],
  tx: LedgerTx,
  { publisher, completenessDays }: Pick<Ports, 'publisher' | 'completenessDays'>,
): Promise<void> {
  const hours = records.flatMap(hoursOf);
  if (hours.length === 0) return;
  const revised = await reviseSums(tx, hours);
  const tenants = hours.map(({ tenant_id: tenant }) => tenant);
  const expired = (await expireHours(tx, tenants, completenessDays * DAY_MS)).map(keyOf);
  const gone = new Set(expired);
  const outgoing: Outgoing[] = revised
    .filter((sums) => !gone.has(keyOf(sums)))
    .map((sums) => ({
      topic: topics.completeness,
      key: keyOf(sums),
      message: { type: 'CompletenessAssessed', value: assess(sums) },
    }));
  for (const key of expired) outgoing.push({ topic: topics.completeness, key, message: null });
  for (let from = 0; from < outgoing.length; from += SENT_AT_ONCE) {
    await publisher.send(outgoing.slice(from, from + SENT_AT_ONCE));
  }
}
