import type { StreamTime } from './port.ts';

/** The time of one task; see the port. */
export function createStreamTime(): StreamTime {
  let time = -Infinity;
  return {
    now: () => time,
    advance: (ms) => {
      if (ms > time) time = ms;
    },
  };
}
