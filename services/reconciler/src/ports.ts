import type { DeliveredEntity } from '@waybill/contracts';
import type {
  EventForComparison,
  HourSums,
  LedgerTx,
  TenantReport,
  DeadLetterCount,
} from '@waybill/ledger';
import type { ProjectionStore, Publisher, Streams } from '@waybill/stream';
import type { TenantModel } from '@waybill/tenant';
import type { ComparedRecord } from './core/compare.ts';
import type { ReconcilerMetrics } from './metrics.ts';

/** Reads what the ledger's tables say. Throws Faults as the database's `classify` makes them. */
export interface LedgerReader {
  readonly report: (tenant: string | null) => Promise<{
    readonly tenants: readonly TenantReport[];
    readonly dead_letters_without_tenant: readonly DeadLetterCount[];
  }>;
  /** All events of an entity, withdrawn ones too; in pages, so that memory stays bounded per page. */
  readonly events: (
    tenant: string,
    entity: DeliveredEntity,
  ) => AsyncIterable<readonly EventForComparison[]>;
  /** What is known of the newest hours of a tenant, newest first. */
  readonly hours: (tenant: string, limit: number) => Promise<readonly HourSums[]>;
  readonly close: () => Promise<void>;
}

/** One ERP, read only. */
export interface ErpReader {
  /** All records of an entity in effect. Throws Faults: transient when the ERP is away. */
  readonly records: (entity: DeliveredEntity) => Promise<readonly ComparedRecord[]>;
  readonly close: () => Promise<void>;
}

/** What the service needs from outside. */
export interface Ports {
  /** The log. `project` is called once; a Fault from it ends the service. */
  readonly streams: Pick<Streams, 'project' | 'close'>;
  /** To `fleet.completeness.state.v1`. */
  readonly publisher: Publisher;
  /** How much older than a tenant's newest hour one is kept, days of device time. */
  readonly completenessDays: number;
  /** Where offsets are kept, beside the ledger's rows and in their transactions. */
  readonly store: ProjectionStore<LedgerTx>;
  readonly ledger: LedgerReader;
  /** Opens the tenant's ERP for one comparison; its secret is read again each time. */
  readonly connectErp: (model: TenantModel) => Promise<ErpReader>;
  readonly logger: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
  };
  readonly metrics: ReconcilerMetrics;
  /** Wall time, ms since epoch. */
  readonly now: () => number;
}
