import { toFault, type Fault } from '@waybill/fault';
import type { SinkLogger } from './ports.ts';

const BACKOFF_MS = [250, 500, 1000, 2000, 5000] as const;

/** A round of work; resolves true when there may be more to do at once. */
export type Round = () => Promise<boolean>;

/** Something that is done again and again until it is stopped. */
export interface Loop {
  /** There may be something to do now. */
  readonly wake: () => void;
  /** Resolves after the last round; rejects with the Fault that ended the loop. */
  readonly done: Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * Runs rounds one after another: at once while there is more, else when woken or after `idleMs`. A
 * transient fault is logged and waited out (0.25 … 5 s); any other ends the loop.
 */
export function startLoop(options: {
  readonly name: string;
  readonly idleMs: () => number;
  readonly round: Round;
  readonly logger: SinkLogger;
  readonly onFault?: (fault: Fault) => void;
}): Loop {
  const { name, idleMs, round, logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let woken = false;
  let interrupt: () => void = () => undefined;
  const wake = (): void => {
    woken = true;
    interrupt();
  };
  const rest = async (ms: number): Promise<void> => {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    interrupt = () => undefined;
  };
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      woken = false;
      try {
        const more = await round();
        failures = 0;
        if (!more && !woken) await rest(idleMs());
      } catch (error) {
        const fault = toFault(error, 'deliver');
        options.onFault?.(fault);
        if (fault.kind !== 'transient') throw fault;
        logger.warn({ loop: name, code: fault.code, detail: fault.message }, 'loop.delayed');
        await rest(BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)] ?? 0);
        failures += 1;
      }
    }
  };
  const done = run();
  done.catch(() => undefined);
  return {
    wake,
    done,
    stop: async () => {
      stopping.abort();
      interrupt();
      await done.catch(() => undefined);
    },
  };
}
