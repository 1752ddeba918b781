import type { Fault } from '@waybill/fault';
import type { ErpMapping } from '@waybill/tenant';

/** Entities that an ERP takes from us in this version. */
export type ErpEntity = ErpMapping['entity'];

/** A value of a deliverable field; a Date is an instant. */
export type FieldValue = string | number | boolean | Date | null;

/** Newest-wins triple, compared left to right. */
export interface Triple {
  readonly revision: number;
  readonly activation: number;
  readonly resolution: number;
}

/** What is delivered: a contract event in deliverable fields, with ERP ids already resolved. */
export interface ErpFact {
  readonly entity: ErpEntity;
  readonly eventId: string;
  /** The entity's stable id; identifies the row in the ERP. */
  readonly entityId: string;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** By deliverable field name (`distance_km`, `vehicle_id`, ...). */
  readonly fields: Readonly<Record<string, FieldValue>>;
}

export type AmendmentKind = 'addition' | 'correction' | 'reversal';

/** What a write did. Written is only what the outcome says; MISSING and MANUAL wrote nothing. */
export type WriteOutcome =
  | 'INSERTED'
  | 'UPDATED'
  | 'UNCHANGED'
  | 'AMENDED'
  | 'RETRACTED'
  | 'SUPERSEDED'
  /** mode update, and the ERP has no such row (yet). */
  | 'MISSING'
  /** A person must act first; `reason` says why. */
  | 'MANUAL';

export interface WriteResult {
  readonly outcome: WriteOutcome;
  /** True when the ERP already had exactly this version. */
  readonly duplicate: boolean;
  /** PERIOD_MISSING, NO_OPEN_PERIOD, ROW_MISSING, NOT_WITHDRAWABLE, NOTHING_TO_WITHDRAW, or null. */
  readonly reason: string | null;
  /** Table written or asked. */
  readonly table: string;
  /** Key of the row. */
  readonly key: string;
  /** Deliverable fields whose value in the ERP changed; empty for a new row. */
  readonly changedFields: readonly string[];
  /** Amendments written, in order: a moved record has a reversal and an addition. */
  readonly amendments: readonly AmendmentKind[];
}

/** A record as the ERP has it in effect: row plus amendments, back in contract terms. */
export interface ErpRecord {
  /** Id of the entity. */
  readonly key: string;
  /** Newest triple of row and amendments; null for an order that we never wrote. */
  readonly triple: Triple | null;
  /** False when withdrawn, reversed, or only known as such. */
  readonly present: boolean;
  /** Number of amendment rows. */
  readonly amendments: number;
  /**
   * Deliverable fields that the mapping writes: text, date text, numbers in the contract's unit, and
   * instants in ms since epoch.
   */
  readonly fields: Readonly<Record<string, string | number | null>>;
}

export interface ErpPeriod {
  /** Business date `YYYY-MM-DD`. */
  readonly date: string;
  /** ms since epoch; null = open. */
  readonly closedTime: number | null;
}

/** Whom the ERP plans on a vehicle. Times in ms since epoch. */
export interface PlannedDriver {
  readonly vehicleId: string;
  /** Id or code of the driver, as the tenant's file says. */
  readonly driver: string;
  readonly fromTime: number;
  /** Exclusive; null = open. */
  readonly toTime: number | null;
  readonly orderId: string | null;
}

/** What a target can do; the sink decides by these, never by the adapter's name. */
export interface ErpDescription {
  readonly adapter: string;
  readonly entities: readonly {
    readonly entity: ErpEntity;
    readonly table: string;
    readonly mode: 'upsert' | 'update';
    /** Closed periods are amended. */
    readonly amends: boolean;
    /** Rows can be marked as withdrawn. */
    readonly withdraws: boolean;
    /** Deliverable fields that a write needs. */
    readonly fields: readonly string[];
  }[];
}

/**
 * One ERP. Called by the sink's workers, several at a time, and read by the reconciler. All methods
 * throw only Faults, as `classify` makes them.
 */
export interface ErpAdapter {
  readonly describe: () => ErpDescription;
  /**
   * Brings the record to this version, or to none when a newer one is there: idempotent, all or
   * nothing. A record of a closed period is never changed but amended. Where a closed record shows no
   * difference nothing is written, so the ERP then does not keep the triple: the caller must not
   * deliver an older version after a newer one (the inbox keeps the newest only).
   */
  readonly write: (fact: ErpFact, triple: Triple) => Promise<WriteResult>;
  readonly lookup: (entity: ErpEntity, key: string) => Promise<ErpRecord | undefined>;
  /** All records of an entity, or those of `keys`; in order of key. */
  readonly digest: (entity: ErpEntity, keys?: readonly string[]) => Promise<readonly ErpRecord[]>;
  /** Periods of the company, ascending; empty when no mapping has a period. */
  readonly periods: () => Promise<readonly ErpPeriod[]>;
  /** Who is planned on which vehicle; empty when the tenant's file does not say where that stands. */
  readonly plannedDrivers: () => Promise<readonly PlannedDriver[]>;
  /** Resolves when the ERP answers a query. */
  readonly health: () => Promise<void>;
  readonly classify: (error: unknown) => Fault;
  readonly close: () => Promise<void>;
}
