import type { ErpAdapter } from '@waybill/erp';
import type { Inbox } from '@waybill/inbox';
import type { PoolClient } from '@waybill/postgres';
import type { Tracing } from '@waybill/runtime';
import type { ProjectionStore, Streams } from '@waybill/stream';
import type { TenantModel } from '@waybill/tenant';
import type { MappingStore } from './adapters/mapping-store.ts';
import type { SinkMetrics } from './metrics.ts';

/** Opens a tenant's ERP. Throws Fault misconfigured when its secret cannot be resolved. */
export type OpenErp = (model: TenantModel) => Promise<ErpAdapter>;

/** One line per unit of work and per rare event. */
export interface SinkLogger {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

/** What the service needs from outside. */
export interface Ports {
  /** The log. `project` and `publisher` are called once each; `close` last. */
  readonly streams: Pick<Streams, 'project' | 'publisher' | 'close'>;
  /** Offsets beside the inbox, moved in the transaction that fills it. */
  readonly store: ProjectionStore<PoolClient>;
  readonly inbox: Inbox;
  readonly mappings: MappingStore;
  /** Runs work in one transaction of the delivery database. */
  readonly transaction: <R>(work: (tx: PoolClient) => Promise<R>) => Promise<R>;
  readonly openErp: OpenErp;
  readonly logger: SinkLogger;
  readonly metrics: SinkMetrics;
  readonly tracing: Pick<Tracing, 'span'>;
  /** Wall time, ms since epoch. */
  readonly now: () => number;
  /** Closes the delivery database; after everything else. */
  readonly closeDatabase: () => Promise<void>;
}
