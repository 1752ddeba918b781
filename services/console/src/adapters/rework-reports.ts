import type { ReworkProgressed } from '@waybill/contracts';
import type { Streams } from '@waybill/stream';
import type { ReworkReports } from '../ports.ts';
import { reworkStates } from '../rework-services.ts';

/** Follows what the tasks say about their reworks: about 600 bytes per command and task, for ever. */
export async function followReworks(streams: Pick<Streams, 'follow'>): Promise<ReworkReports> {
  const reports = new Map<string, Map<number, ReworkProgressed>>();
  await streams.follow(reworkStates, (_topic, _key, message) => {
    if (message?.type !== 'ReworkProgressed') return;
    // The type names the contract that the record was decoded with.
    const report = message.value as ReworkProgressed;
    const tasks = reports.get(report.rework_id) ?? new Map<number, ReworkProgressed>();
    reports.set(report.rework_id, tasks.set(report.task, report));
  });
  return {
    of: (id) => [...(reports.get(id)?.values() ?? [])].toSorted((a, b) => a.task - b.task),
  };
}
