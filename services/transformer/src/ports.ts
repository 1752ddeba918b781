import type { Streams } from '@waybill/stream';
import type { TransformerMetrics } from './metrics.ts';

/** What the service needs from outside. */
export interface Ports {
  /**
   * The log. `transact` is called twice; a Fault from it ends the service. `close` is called last,
   * when the runners have stopped.
   */
  readonly streams: Pick<Streams, 'transact' | 'close'>;
  readonly logger: { readonly warn: (fields: object, message: string) => void };
  readonly metrics: TransformerMetrics;
}
