/**
 * How much the tasks of a connection hold twice, as it was and as it will be: their transactions are under way at
 * once, and while one task handles records no answer to the others' commits is read. A task waits with its next
 * transaction while the others hold `limitBytes` or more, so there is never more than that and what one
 * transaction changes. Those that wait go on in the order in which they came, one after the other.
 */
export interface Uncommitted {
  /** Waits for room; whoever entered must leave, whatever happened. */
  readonly enter: () => Promise<UncommittedShare>;
}

/** What one transaction holds. */
export interface UncommittedShare {
  /** The records are handled: so many bytes wait for the commit. The next one may enter if there is room. */
  readonly hold: (bytes: number) => void;
  /** The transaction is committed or given up. */
  readonly leave: () => void;
}

const LIMIT_BYTES = 8 << 20;

export function createUncommitted(limitBytes: number = LIMIT_BYTES): Uncommitted {
  const waiting: (() => void)[] = [];
  let held = 0;
  /** Somebody entered of whom it is not known yet what it will hold. */
  let isHandling = false;

  function admit(): void {
    if (isHandling || held >= limitBytes) return;
    const first = waiting.shift();
    if (first === undefined) return;
    isHandling = true;
    first();
  }

  function share(): UncommittedShare {
    let mine = 0;
    let isKnown = false;
    const settle = (bytes: number): void => {
      held += bytes - mine;
      mine = bytes;
      if (!isKnown) isHandling = false;
      isKnown = true;
      admit();
    };
    return { hold: settle, leave: () => settle(0) };
  }

  return {
    enter: async () => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        admit();
      });
      return share();
    },
  };
}
