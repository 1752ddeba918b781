/** Runs asynchronous work one after the other, in the order of the calls. */
export interface Serial {
  readonly run: <R>(work: () => Promise<R>) => Promise<R>;
  /** Resolves when all work handed in so far has ended. */
  readonly idle: () => Promise<void>;
}

export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run: (work) => {
      const next = last.then(work, work);
      last = next.catch(() => undefined);
      return next;
    },
    idle: async () => {
      await last;
    },
  };
}
