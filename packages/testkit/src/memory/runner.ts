import { toFault, type Fault } from '@waybill/fault';
import type { Position, Runner } from '@waybill/stream';
import type { Actor } from './engine.ts';
import type { Instance } from './instance.ts';

/** The work behind a runner. */
export interface Work extends Actor {
  readonly ready: () => boolean;
  readonly positions: () => readonly Position[];
  /** Drains what is in flight and leaves the group. */
  readonly close: () => Promise<void>;
  /** Lets go of everything at once, as a killed process does. */
  readonly kill: () => void;
}

/** A runner that can also die without a word. */
export interface MemoryRunner extends Runner {
  readonly kill: () => void;
}

/** Lets the engine drive the work; what it throws ends the runner, like every `fail`. */
export function startRunner(
  { engine, logger, failed }: Instance,
  open: (fail: (fault: Fault) => void) => Work,
): MemoryRunner {
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined);
  let failure: Fault | undefined;
  let ended = false;
  const work = open((fault) => {
    failure ??= fault;
  });

  async function end(): Promise<void> {
    if (ended) return;
    ended = true;
    remove();
    if (failure === undefined) {
      await work.close();
      done.resolve();
      return;
    }
    work.kill();
    const { code, kind, message: detail } = failure;
    logger.error({ name: work.name, code, kind, detail }, 'stream.failed');
    failed(failure);
    done.reject(failure);
  }

  const remove = engine.add({
    name: work.name,
    dueAt: () => work.dueAt?.(),
    step: async () => {
      let moved = false;
      try {
        moved = await work.step();
      } catch (error) {
        failure ??= toFault(error, 'decide');
      }
      if (failure !== undefined) await end();
      return moved || failure !== undefined;
    },
  });

  return {
    done: done.promise,
    ready: () => !ended && work.ready(),
    positions: () => (ended ? [] : work.positions()),
    stop: end,
    kill: () => {
      if (ended) return;
      ended = true;
      remove();
      work.kill();
    },
  };
}
