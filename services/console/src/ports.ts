import type {
  IdMapped,
  MappedEntity,
  MappingInterval,
  ProposalChanged,
  ProposalJudged,
  RangeReread,
  ReworkProgressed,
  ReworkRequested,
} from '@waybill/contracts';
import type { EventTrace, LedgerDeadLetter, LedgerEvent, UnitEvidence } from '@waybill/ledger';
import type { Outgoing, Publisher, Streams } from '@waybill/stream';
import type { IdMapEntry, TenantModel } from '@waybill/tenant';
import type { ConsoleMetrics } from './metrics.ts';
import type { PlannedDriver, ResolvedPlan } from './core/driver-plan.ts';
import type { ErpRow } from './core/explain.ts';

/** Result of applying a tenant's files. */
export interface Applied {
  readonly tenant_id: string;
  readonly version: number;
  /** False when exactly this document was applied already. */
  readonly changed: boolean;
  readonly document_sha256: string;
  /** Ids of idmap.csv that were new, and those that were there and stay as they are. */
  readonly ids: { readonly added: number; readonly kept: number };
}

export interface AppliedTenant {
  readonly tenant_id: string;
  readonly version: number;
  /** ms since epoch. */
  readonly applied_time: number;
  readonly applied_by: string;
  readonly document_sha256: string;
}

/** A change of one id of the map. */
export interface MappingChange {
  readonly tenantId: string;
  readonly entity: MappedEntity;
  readonly telematicsId: string;
  /** All intervals that hold from now on; none = the id is deleted (softly). */
  readonly intervals: readonly MappingInterval[];
  readonly by: string;
}

/** A rework that was asked for. */
export interface ReworkOrder {
  readonly command: ReworkRequested;
  readonly cancelled_by: string | null;
}

/** An outbox row that waits for its acknowledgement. */
export interface OutboxRow {
  readonly id: string;
  readonly record: Outgoing;
}

/**
 * What people decided. Every change stores data, audit line and outbox row in one transaction. Throws
 * Faults as the database's `classify` makes them; `MAPPING_OVERLAP` for intervals that overlap.
 */
export interface ControlStore {
  readonly apply: (
    model: TenantModel,
    idmap: readonly IdMapEntry[],
    by: string,
  ) => Promise<Applied>;
  readonly tenants: () => Promise<readonly AppliedTenant[]>;
  readonly model: (tenant: string) => Promise<TenantModel | undefined>;
  readonly changeMapping: (
    change: MappingChange,
  ) => Promise<{ readonly mapping: IdMapped; readonly changed: boolean }>;
  readonly mappings: (tenant: string) => Promise<readonly IdMapped[]>;
  readonly mapping: (
    tenant: string,
    entity: MappedEntity,
    telematicsId: string,
  ) => Promise<IdMapped | undefined>;
  /** Telematics ids that ever stood for an ERP id, newest first. */
  readonly telematicsIds: (
    tenant: string,
    entity: MappedEntity,
    erpId: string,
  ) => Promise<readonly string[]>;
  /** False when a command of that id was stored before; nothing is done then. */
  readonly startRework: (command: ReworkRequested) => Promise<boolean>;
  /** Re-readings of our own raw topics whose end is not marked yet. */
  readonly openRereads: () => Promise<readonly ReworkRequested[]>;
  /** Marks the end of a re-reading, once. */
  readonly endReread: (id: string, marker: RangeReread) => Promise<void>;
  /** Verdicts about proposals, all or none. */
  readonly judge: (verdicts: readonly ProposalJudged[]) => Promise<void>;
  /** Undefined when nobody asked for it; cancelling twice changes nothing. */
  readonly cancelRework: (id: string, by: string) => Promise<ReworkOrder | undefined>;
  readonly rework: (id: string) => Promise<ReworkOrder | undefined>;
  /**
   * Keeps the plan of a tenant and publishes the units of which it changed; a unit that is planned no
   * more gets an empty one. Resolves how many that are.
   */
  readonly storePlan: (
    tenant: string,
    units: ResolvedPlan['units'],
    readTime: number,
  ) => Promise<number>;
  /**
   * Hands the oldest rows to `send` and deletes them when it resolves; one instance at a time, in
   * order. Returns how many. When `send` rejects, the rows stay.
   */
  readonly drain: (
    limit: number,
    send: (rows: readonly OutboxRow[]) => Promise<void>,
  ) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Reads the ledger; Faults as `classify` makes them. */
export interface LedgerReader {
  readonly find: (tenant: string | null, reference: string) => Promise<readonly LedgerEvent[]>;
  readonly at: (tenant: string, unit: string, at: number) => Promise<readonly LedgerEvent[]>;
  readonly trace: (event: LedgerEvent) => Promise<EventTrace>;
  readonly deadLetters: (
    tenant: string | null,
    where: { readonly elementId: string } | { readonly unit: string; readonly at: number },
  ) => Promise<readonly LedgerDeadLetter[]>;
  readonly evidence: (tenant: string, unit: string, at: number) => Promise<UnitEvidence>;
  readonly close: () => Promise<void>;
}

/** What the services' tasks say about reworks. */
export interface ReworkReports {
  /** The newest report of each task that has taken the command; in order of the tasks. */
  readonly of: (id: string) => readonly ReworkProgressed[];
}

/** What the detector would change if it were allowed to. */
export interface Proposals {
  readonly all: () => readonly ProposalChanged[];
}

/** What the service needs from outside. */
export interface Ports {
  readonly control: ControlStore;
  readonly ledger: LedgerReader;
  /** Reads one record of a tenant's ERP; undefined when there is none. Throws Faults. */
  readonly lookupErp: (
    model: TenantModel,
    entity: LedgerEvent['entity'],
    key: string,
  ) => Promise<ErpRow | undefined>;
  /** Whom a tenant's ERP plans on its vehicles. Throws Faults. */
  readonly readPlan: (model: TenantModel) => Promise<readonly PlannedDriver[]>;
  /** Between two readings of the plans, ms. */
  readonly planPauseMs: number;
  readonly reworks: ReworkReports;
  readonly proposals: Proposals;
  readonly publisher: Publisher;
  readonly streams: Pick<Streams, 'close'>;
  readonly logger: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
  };
  readonly metrics: ConsoleMetrics;
  /** ms since epoch. */
  readonly now: () => number;
}
