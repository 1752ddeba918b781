import type {
  DeliverySettled,
  ElementRejected,
  HourCounted,
  MessagesCounted,
  PageFetched,
  PositionRecorded,
  SessionChanged,
  SourceProgressed,
  TaskRaised,
  WebhookReceived,
} from '@waybill/contracts';
import {
  eventContracts,
  eventVersion,
  writeDeadLetters,
  writeDeliveries,
  writeEvents,
  writeFixes,
  writeHourCounts,
  writePages,
  writeProgress,
  writeProviderCounts,
  writeRequests,
  writeSessions,
  writeTasks,
  type Addressed,
  type LedgerTx,
} from '@waybill/ledger';
import type { Received } from '@waybill/stream';

type Write = (tx: LedgerTx, topic: string, records: readonly Addressed<never>[]) => Promise<void>;

/** A writer for records of one contract. The contract's name guarantees the type of its values. */
function writer<T>(
  write: (tx: LedgerTx, topic: string, records: readonly Addressed<T>[]) => Promise<void>,
): Write {
  return write;
}

function values<T>(records: readonly Addressed<T>[]): T[] {
  return records.map(({ value }) => value);
}

/** Business events are all written alike. */
const eventWriters = eventContracts.map((contract): [string, Write] => [
  contract,
  (tx, topic, records) =>
    writeEvents(
      tx,
      records.map((record) => eventVersion(contract, topic, record)),
    ),
]);

/** What the ledger does with records, by contract. Contracts that stand nowhere here are not kept. */
const writers: Readonly<Record<string, Write>> = {
  ...Object.fromEntries(eventWriters),
  PageFetched: writer<PageFetched>(writePages),
  SourceProgressed: writer<SourceProgressed>((tx, _topic, records) =>
    writeProgress(tx, values(records)),
  ),
  WebhookReceived: writer<WebhookReceived>(writeRequests),
  PositionRecorded: writer<PositionRecorded>((tx, _topic, records) => writeFixes(tx, records)),
  DeliverySettled: writer<DeliverySettled>((tx, _topic, records) =>
    writeDeliveries(tx, values(records)),
  ),
  ElementRejected: writer<ElementRejected>((tx, _topic, records) => writeDeadLetters(tx, records)),
  SessionChanged: writer<SessionChanged>((tx, _topic, records) => writeSessions(tx, records)),
  HourCounted: writer<HourCounted>((tx, _topic, records) => writeHourCounts(tx, values(records))),
  MessagesCounted: writer<MessagesCounted>((tx, _topic, records) =>
    writeProviderCounts(tx, values(records)),
  ),
  TaskRaised: writer<TaskRaised>((tx, _topic, records) => writeTasks(tx, values(records))),
};

/** Writes a batch of one partition into the ledger, one statement or two per contract. */
export async function handleRecords(records: readonly Received[], tx: LedgerTx): Promise<void> {
  const byContract = new Map<string, Addressed<never>[]>();
  for (const { partition, offset, message, traceparent } of records) {
    const record = { partition, offset, value: message.value as never, traceparent };
    const group = byContract.get(message.type);
    if (group) group.push(record);
    else byContract.set(message.type, [record]);
  }
  const topic = records[0]?.topic.name ?? '';
  for (const [contract, group] of byContract) await writers[contract]?.(tx, topic, group);
}
