/**
 * Keys by the second in which they expire. Sets by second and a heap of the seconds: placing a key costs
 * a set entry, and what is due is found without looking at the rest.
 */
export interface ExpiryQueue {
  /** Moves a key; undefined = it does not stand in the queue. Times in ms. */
  readonly place: (key: string, before: number | undefined, after: number | undefined) => void;
  /** Keys whose second has come; they stay until they are placed elsewhere. */
  readonly due: (now: number) => readonly string[];
}

const SECOND_MS = 1_000;

/** Smallest number first. */
function createHeap(): {
  readonly push: (value: number) => void;
  readonly pop: () => void;
  readonly first: () => number | undefined;
} {
  const items: number[] = [];
  // Both indexes are inside the array wherever this is called.
  const at = (index: number): number => items[index] ?? Infinity;

  function swap(a: number, b: number): void {
    const value = at(a);
    items[a] = at(b);
    items[b] = value;
  }

  return {
    first: () => items[0],
    push: (value) => {
      let index = items.push(value) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (at(parent) <= at(index)) return;
        swap(parent, index);
        index = parent;
      }
    },
    pop: () => {
      const last = items.pop();
      if (last === undefined || items.length === 0) return;
      items[0] = last;
      for (let index = 0; ;) {
        const left = 2 * index + 1;
        const smaller = at(left + 1) < at(left) ? left + 1 : left;
        if (at(smaller) >= at(index)) return;
        swap(smaller, index);
        index = smaller;
      }
    },
  };
}

export function createExpiryQueue(): ExpiryQueue {
  const slots = new Map<number, Set<string>>();
  const seconds = createHeap();
  const slotOf = (ms: number): number => Math.floor(ms / SECOND_MS);

  function add(slot: number, key: string): void {
    const keys = slots.get(slot);
    if (keys !== undefined) keys.add(key);
    else {
      slots.set(slot, new Set([key]));
      seconds.push(slot);
    }
  }

  function remove(slot: number, key: string): void {
    const keys = slots.get(slot);
    keys?.delete(key);
    if (keys?.size === 0) slots.delete(slot);
  }

  return {
    place: (key, before, after) => {
      const from = before === undefined ? undefined : slotOf(before);
      const to = after === undefined ? undefined : slotOf(after);
      if (from === to) return;
      if (from !== undefined) remove(from, key);
      if (to !== undefined) add(to, key);
    },
    due: (now) => {
      const found: string[] = [];
      const pending: number[] = [];
      for (;;) {
        const slot = seconds.first();
        if (slot === undefined || slot * SECOND_MS > now) break;
        seconds.pop();
        const keys = slots.get(slot);
        if (keys === undefined) continue;
        found.push(...keys);
        pending.push(slot);
      }
      // The slots stay: an aborted transaction must find its keys again, and the last one is due in part.
      for (const slot of pending) seconds.push(slot);
      return found;
    },
  };
}
