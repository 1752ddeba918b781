import { toFault } from '@waybill/fault';
import type { Ports } from './ports.ts';

const BATCH_ROWS = 200;
/** Another instance may have stored a decision, so the outbox is looked at without being woken too. */
const IDLE_MS = 1000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/** Publishes the outbox in order, for as long as the service runs. */
export interface OutboxPublisher {
  /** A decision was stored: look now. */
  readonly wake: () => void;
  /** True while the last attempt succeeded. */
  readonly working: () => boolean;
  /** Resolves after `stop`; rejects when publishing can never work (misconfigured, bug). */
  readonly done: Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * idle ⇄ draining; after a transient failure waiting, 0.5, 1, 2 … 10 s, without limit: the rows stay in
 * the database. Rows are deleted after their acknowledgement; a crash in between publishes them again,
 * which a compacted topic does not mind.
 */
export function startPublisher({ control, publisher, logger, metrics }: Ports): OutboxPublisher {
  const stopping = new AbortController();
  let healthy = true;
  let woken = false;
  let rouse: () => void = () => undefined;
  const wake = (): void => {
    woken = true;
    rouse();
  };
  const pause = async (ms: number): Promise<void> => {
    if (woken || stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  };
  const run = async (): Promise<void> => {
    let retryMs = FIRST_RETRY_MS;
    while (!stopping.signal.aborted) {
      woken = false;
      try {
        const count = await control.drain(BATCH_ROWS, async (rows) =>
          publisher.send(rows.map(({ record }) => record)),
        );
        healthy = true;
        retryMs = FIRST_RETRY_MS;
        if (count > 0) metrics.published(count);
        if (count < BATCH_ROWS) await pause(IDLE_MS);
      } catch (error) {
        const fault = toFault(error, 'publish');
        if (fault.kind !== 'transient') throw fault;
        healthy = false;
        const { code, message } = fault;
        logger.warn({ code, message, retry_ms: retryMs }, 'outbox.delayed');
        // What was decided during the attempt does not make the broker come back sooner.
        woken = false;
        await pause(retryMs);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      }
    }
  };
  const done = run();
  return {
    wake,
    working: () => healthy,
    done,
    stop: async () => {
      stopping.abort();
      wake();
      await done.catch(() => undefined);
    },
  };
}
