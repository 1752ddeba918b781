import { toFault, type Fault } from '@waybill/fault';
import { backoff, delay } from './delay.ts';
import type { Position, Runner, StreamLogger } from './port.ts';

/** One life of a runner's work; ended resolves with a Fault when it must be opened again. */
export interface Work {
  readonly ended: Promise<Fault | undefined>;
  readonly ready: () => boolean;
  readonly positions: () => readonly Position[];
  readonly stop: () => Promise<void>;
}

// 0.5, 1, 2, 4, 5, 5 … s: about 45 s of waiting, and as much again in the client's own attempts.
const MAX_RESTARTS = 12;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 5_000;
/** A life this long was a good one: the count starts again. */
const GOOD_LIFE_MS = 60_000;

/**
 * Keeps work alive: opened → ended by the weather → opened again after a pause, at most 12 times in a
 * row; then, and for every Fault that `fail` reports, `done` rejects. A runner is never silently dead.
 */
export function startRunner(
  name: string,
  logger: StreamLogger,
  open: (fail: (fault: Fault) => void) => Work,
  afterwards: () => Promise<void>,
): Runner {
  const fatal = Promise.withResolvers<{ fatal: Fault }>();
  const stopping = new AbortController();
  const stopped = Promise.withResolvers<{ stop: true }>();
  let work: Work | undefined;

  function fail(fault: Fault): void {
    fatal.resolve({ fatal: fault });
  }

  async function live(): Promise<Fault | undefined> {
    work = open(fail);
    const outcome = await Promise.race([
      fatal.promise,
      stopped.promise,
      work.ended.then((fault) => ({ fault })),
    ]);
    await work.stop();
    if ('fatal' in outcome) throw outcome.fatal;
    return 'fault' in outcome ? outcome.fault : undefined;
  }

  async function run(): Promise<void> {
    let restarts = 0;
    while (!stopping.signal.aborted) {
      const openedAt = performance.now();
      const fault = await live();
      if (fault === undefined || stopping.signal.aborted) continue;
      restarts = performance.now() - openedAt > GOOD_LIFE_MS ? 1 : restarts + 1;
      if (fault.kind !== 'transient' && fault.kind !== 'cancelled') throw fault;
      if (restarts > MAX_RESTARTS) throw fault;
      logger.warn({ name, code: fault.code, restarts, detail: fault.message }, 'stream.restarted');
      await delay(backoff(restarts - 1, FIRST_DELAY_MS, MAX_DELAY_MS), stopping.signal);
    }
  }

  async function supervise(): Promise<void> {
    try {
      await run();
    } catch (error) {
      const fault = toFault(error, 'decide');
      const { code, kind, message: detail } = fault;
      logger.error({ name, code, kind, detail }, 'stream.failed');
      throw fault;
    } finally {
      await afterwards();
    }
  }

  const done = supervise();
  return {
    done,
    ready: () => work?.ready() ?? false,
    positions: () => work?.positions() ?? [],
    stop: async () => {
      stopping.abort();
      stopped.resolve({ stop: true });
      await done.catch(() => undefined);
    },
  };
}
