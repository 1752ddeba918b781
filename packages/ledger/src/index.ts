export { type Addressed, type LedgerTx } from './batch.ts';
export { eventsForComparison, type EventForComparison } from './current-events.ts';
export { findDeadLetters, type LedgerDeadLetter } from './find-dead-letters.ts';
export { EVENT_LIMIT, eventsAt, findEvents, type LedgerEvent } from './find-events.ts';
export {
  expireHours,
  newestSums,
  reviseSums,
  writeHourCounts,
  writeProviderCounts,
  type HourSums,
  type TenantHour,
} from './hour-sums.ts';
export { type LedgerPage, type RawTrace } from './raw-pages.ts';
export {
  reportTenants,
  type DeadLetterCount,
  type EventCounts,
  type TenantReport,
} from './report.ts';
export { LEDGER_SCHEMA, migrateLedger } from './schema.ts';
export {
  traceEvent,
  type EventTrace,
  type LedgerDelivery,
  type LedgerVersion,
} from './trace-event.ts';
export { unitEvidence, type LedgerTask, type UnitEvidence } from './unit-evidence.ts';
export { writeDeliveries } from './write-deliveries.ts';
export { eventContracts, eventVersion, writeEvents, type EventVersion } from './write-events.ts';
export { writeDeadLetters, writeSessions, writeTasks } from './write-findings.ts';
export { writeFixes } from './write-fixes.ts';
export { writePages, writeProgress, writeRequests } from './write-pages.ts';
