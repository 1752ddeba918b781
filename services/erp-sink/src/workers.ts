import { toFault } from '@waybill/fault';
import type { Inbox } from '@waybill/inbox';
import { startLoop, type Loop } from './loop.ts';
import { workLane, type LaneParts } from './work-lane.ts';

/** Another instance may have enqueued something: it is found after this at the latest. */
const IDLE_MS = 200;

/**
 * Claims lanes and works on up to `lanes` of them at once. A lane that ends with anything but a
 * transient fault ends the loop. Stopping begins no row, and lets those that run end.
 */
export function startWorkers(options: {
  readonly lanes: number;
  readonly inbox: Inbox;
  readonly parts: Omit<LaneParts, 'stopping'>;
  /** False while nothing more may be delivered. */
  readonly mayWork: () => boolean;
  /** A lane was settled: outcomes may wait in the outbox. */
  readonly onSettled: () => void;
}): Loop & { readonly active: () => number } {
  const { lanes, inbox, mayWork, onSettled } = options;
  const stopping = new AbortController();
  const parts: LaneParts = { ...options.parts, stopping: stopping.signal };
  const active = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const loop = startLoop({
    name: 'workers',
    idleMs: () => IDLE_MS,
    logger: parts.logger,
    round: async () => {
      if (failure !== undefined) throw failure.error;
      const free = lanes - active.size;
      if (free <= 0 || !mayWork()) return false;
      const claims = await inbox.claim(free);
      for (const claim of claims) {
        const work = workLane(parts, claim)
          .catch((error: unknown) => {
            const { kind, code, message } = toFault(error, 'deliver');
            if (kind !== 'transient') failure ??= { error };
            parts.logger.warn({ lane: claim.lane, code, detail: message }, 'lane.left');
          })
          .finally(() => {
            active.delete(work);
            onSettled();
            loop.wake();
          });
        active.add(work);
      }
      return claims.length > 0 && active.size < lanes;
    },
  });
  return {
    ...loop,
    active: () => active.size,
    stop: async () => {
      stopping.abort();
      await loop.stop();
      await Promise.all(active);
    },
  };
}
