import type { MappedEntity } from '@waybill/contracts';

/** An id as it was resolved for a delivery. */
export interface ResolvedId {
  readonly entity: MappedEntity;
  readonly telematics_id: string;
  /** Instant for which it was resolved: the event's time, ms since epoch. */
  readonly at_time: number;
  /** null = nobody mapped it for that instant. */
  readonly erp_id: string | null;
  /** Version of the map's entry; null = there is none. */
  readonly version: number | null;
}

/** The record as the ERP has it in effect: row plus amendments, in contract terms. */
export interface ErpRow {
  readonly key: string;
  readonly present: boolean;
  readonly amendments: number;
  readonly triple: {
    readonly revision: number;
    readonly activation: number;
    readonly resolution: number;
  } | null;
  readonly fields: Readonly<Record<string, string | number | null>>;
}

/** What was found at the ERP; `unavailable` when it could not be asked. */
export type ErpAnswer =
  | { readonly state: 'present'; readonly row: ErpRow }
  | { readonly state: 'withdrawn'; readonly row: ErpRow }
  | { readonly state: 'absent' }
  | { readonly state: 'unavailable'; readonly reason: string };

export type VerdictState =
  | 'in_erp'
  | 'behind'
  | 'superseded'
  | 'withdrawn'
  | 'waiting'
  | 'manual'
  | 'dead_lettered'
  | 'not_delivered'
  | 'vanished'
  | 'unknown';

/** The answer to "why": a state for programs, a sentence for people. */
export interface Verdict {
  readonly state: VerdictState;
  readonly text: string;
}

/** The facts that decide the verdict. */
export interface Facts {
  readonly entity: string;
  readonly revision: number;
  readonly retracted: boolean;
  /** In order of triple and time; the newest last. */
  readonly deliveries: readonly {
    readonly revision: number;
    readonly outcome: string;
    readonly reason: string | null;
    readonly attempts: number;
    readonly erp_table: string | null;
    readonly amendment_kind: string | null;
  }[];
  readonly deadLetters: readonly {
    readonly service: string;
    readonly code: string;
    readonly message: string;
  }[];
  readonly ids: readonly ResolvedId[];
  readonly erp: ErpAnswer;
}

const noun: Readonly<Record<string, string>> = {
  trip: 'trip',
  site_visit: 'visit',
  transport_order: 'order',
  idle: 'idling',
  fuel_level: 'fuel change',
  odometer: 'odometer reading',
  work_order: 'due service',
  shift: 'shift',
  geofence: 'crossing',
};

/** What a waiting delivery waits for, and what releases it. */
function waitingText(ids: readonly ResolvedId[], reason: string | null): string {
  if (reason === 'ROW_MISSING')
    return 'the ERP has no such record yet; it is looked for every minute';
  if (reason === 'TENANT_UNKNOWN') return 'the tenant is not applied';
  const missing = ids.filter(({ erp_id: id }) => id === null);
  if (missing.length === 0) return 'its ids are mapped meanwhile, so it will be released';
  const names = missing.map(({ entity, telematics_id: id }) => `${entity} ${id}`).join(' and ');
  return `it waits for the ERP id of ${names}; map it to release`;
}

function held(facts: Facts, prefix: string): Verdict | undefined {
  const newest = facts.deliveries.at(-1);
  const [letter] = facts.deadLetters;
  switch (newest?.outcome) {
    case 'WAITING':
      return { state: 'waiting', text: `${prefix}: ${waitingText(facts.ids, newest.reason)}` };
    case 'MANUAL':
      return {
        state: 'manual',
        text: `${prefix}: a person must act (${newest.reason ?? 'no reason given'})`,
      };
    case 'DEAD_LETTERED':
      return {
        state: 'dead_lettered',
        text: `${prefix}: given up after ${newest.attempts} attempts (${newest.reason ?? letter?.message ?? 'no reason given'})`,
      };
    default:
      if (letter === undefined) return undefined;
      return {
        state: 'dead_lettered',
        text: `${prefix}: ${letter.service} refused it (${letter.code}: ${letter.message})`,
      };
  }
}

/** How the fact stands in the ERP: as a row, as a row with corrections, or by amendments alone. */
function standing({ deliveries }: Facts, row: ErpRow, place: string): string {
  const booked = row.amendments === 1 ? '1 amendment' : `${row.amendments} amendments`;
  if (row.amendments === 0) return `stands${place} as row ${row.key}`;
  const hasRow = deliveries.some(({ outcome }) => outcome === 'INSERTED' || outcome === 'UPDATED');
  return hasRow
    ? `stands${place} as row ${row.key} with ${booked}, because its day was closed`
    : `is booked by ${booked} of key ${row.key}, because its day was closed when it came`;
}

/** Why an event is in the ERP as it is, or is not there. */
export function explain(facts: Facts): Verdict {
  const { erp, revision, retracted, deliveries } = facts;
  const what = noun[facts.entity] ?? facts.entity;
  const written = deliveries.findLast(({ outcome }) =>
    ['INSERTED', 'UPDATED', 'UNCHANGED', 'AMENDED', 'RETRACTED'].includes(outcome),
  );
  const isNewest = written !== undefined && written.revision >= revision;
  if (retracted && (erp.state === 'absent' || erp.state === 'withdrawn')) {
    return {
      state: 'withdrawn',
      text: `the ${what} was withdrawn, and the ERP has no such row in effect`,
    };
  }
  if (erp.state === 'present') {
    const place = written?.erp_table ? ` in ${written.erp_table}` : '';
    if (isNewest && !retracted) {
      return { state: 'in_erp', text: `the ${what} ${standing(facts, erp.row, place)}` };
    }
    if (deliveries.at(-1)?.outcome === 'SUPERSEDED') {
      return {
        state: 'superseded',
        text: `row ${erp.row.key}${place} shows something newer already`,
      };
    }
    const prefix = `row ${erp.row.key}${place} shows an older version`;
    const behind = `${prefix}: revision ${revision} was not delivered yet`;
    return held(facts, prefix) ?? { state: 'behind', text: behind };
  }
  if (erp.state === 'unavailable' && isNewest) {
    return {
      state: 'unknown',
      text: `delivered as ${written.outcome}; the ERP cannot be asked now (${erp.reason})`,
    };
  }
  const prefix = erp.state === 'withdrawn' ? `the row is withdrawn` : 'there is no row';
  const blocked = held(facts, prefix);
  if (blocked) return blocked;
  if (isNewest && !retracted) {
    return {
      state: 'vanished',
      text: `${prefix}, though it was delivered as ${written.outcome}: somebody removed it in the ERP`,
    };
  }
  return {
    state: 'not_delivered',
    text: `${prefix} yet: revision ${revision} was published and not delivered so far`,
  };
}
