import { toFault } from '@waybill/fault';
import type { Ports } from './ports.ts';

/** Something that is looked at again and again until it is stopped. */
export interface Repeated {
  /** Look now. */
  readonly wake: () => void;
  /** Resolves after `stop`; rejects when it can never work (misconfigured, bug). */
  readonly done: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Looks at once, then after each pause; a transient fault is logged as `<name>.delayed`. */
export function repeat(options: {
  readonly name: string;
  readonly pauseMs: number;
  readonly look: () => Promise<void>;
  readonly logger: Ports['logger'];
}): Repeated {
  const { name, pauseMs, look, logger } = options;
  const stopping = new AbortController();
  let rouse: () => void = () => undefined;
  let woken = false;

  async function pause(): Promise<void> {
    if (woken || stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      woken = false;
      try {
        await look();
      } catch (error) {
        const fault = toFault(error, 'decide');
        if (fault.kind !== 'transient') throw fault;
        const { code, message } = fault;
        logger.warn({ code, message }, `${name}.delayed`);
      }
      await pause();
    }
  }

  const done = run();
  return {
    wake: () => {
      woken = true;
      rouse();
    },
    done,
    stop: async () => {
      stopping.abort();
      rouse();
      await done.catch(() => undefined);
    },
  };
}
