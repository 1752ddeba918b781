import type { Streams } from '@waybill/stream';
import type { CellOf } from './core/minute.ts';
import type { DetectorMetrics } from './metrics.ts';

/** What the service needs from outside. */
export interface Ports {
  /**
   * The log. `transact` is called once per stage; a Fault from it ends the service. `close` is called last, when
   * the runner has stopped.
   */
  readonly streams: Pick<Streams, 'transact' | 'close'>;
  readonly logger: DetectorLogger;
  readonly metrics: DetectorMetrics;
  /** Cell of the analytics grid that a coordinate lies in. */
  readonly cellOf: CellOf;
}

/** One line per rare event; nothing per record. */
export interface DetectorLogger {
  readonly info: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}
