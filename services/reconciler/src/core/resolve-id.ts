import type { IdMapped, MappedEntity } from '@waybill/contracts';

/** ERP id of a telematics id at an instant (ms since epoch); undefined when none is valid then. */
export type Resolve = (
  entity: MappedEntity,
  telematicsId: string,
  at: number,
) => string | undefined;

/** The id that is valid at an instant; starts are inclusive, ends exclusive. */
export function erpIdAt(mapping: IdMapped | undefined, at: number): string | undefined {
  if (mapping === undefined || mapping.deleted) return undefined;
  return mapping.intervals.find(
    ({ valid_from_time: from, valid_to_time: to }) =>
      (from === null || from <= at) && (to === null || at < to),
  )?.erp_id;
}
