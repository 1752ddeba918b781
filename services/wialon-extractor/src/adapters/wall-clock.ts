import { setTimeout as wait } from 'node:timers/promises';
import { extractorFault } from '../errors.ts';
import type { Clock } from '../ports.ts';

/** The system's clock. */
export const wallClock: Clock = {
  now: () => Date.now(),
  wait: async (ms, signal) => {
    try {
      await wait(ms, undefined, { signal });
    } catch (error) {
      throw extractorFault('STOPPED', 'stopped while waiting', { cause: error });
    }
  },
};
