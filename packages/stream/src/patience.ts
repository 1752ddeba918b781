import { toFault, type Fault, type FaultStage } from '@waybill/fault';
import { backoff } from './delay.ts';
import type { StreamLogger } from './port.ts';

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;
const MISCONFIGURED_DELAY_MS = 30_000;
/** 0.25, 0.5 … 10, 10 s …: the far end may be away for about ten minutes. */
const MAX_ATTEMPTS = 65;

export interface Patience {
  readonly logger: StreamLogger;
  /** What waits, for the log line. */
  readonly name: string;
  readonly stage: FaultStage;
  /** False when nobody needs the result any more. */
  readonly alive: () => boolean;
  /** True = a misconfigured far end is waited for as well, else it is thrown. */
  readonly waitsForConfiguration: boolean;
  /** Waits; it may return early when `alive` turns false. */
  readonly rest: (ms: number) => Promise<void>;
}

/**
 * Tries again while the far end is away or misconfigured. Resolves undefined when nobody needs it any
 * more; throws every other Fault, and the last one after about ten minutes.
 */
export async function patiently<R>(
  { logger, name, stage, alive, waitsForConfiguration, rest }: Patience,
  work: () => Promise<R>,
): Promise<R | undefined> {
  for (let attempt = 0; alive(); attempt += 1) {
    let fault: Fault;
    try {
      return await work();
    } catch (error) {
      fault = toFault(error, stage);
    }
    const { code, kind, message: detail } = fault;
    const passes = kind === 'transient' || (waitsForConfiguration && kind === 'misconfigured');
    if (!passes || attempt >= MAX_ATTEMPTS) throw fault;
    logger.warn({ name, code, attempt: attempt + 1, detail }, 'projection.delayed');
    const pause =
      kind === 'misconfigured'
        ? MISCONFIGURED_DELAY_MS
        : backoff(attempt, FIRST_DELAY_MS, MAX_DELAY_MS);
    await rest(Math.max(pause, fault.retryAfterMs ?? 0));
  }
  return undefined;
}
