import { setImmediate as turn } from 'node:timers/promises';

/** Something that moves when it is asked to: a task, a projection, an owner, a group, tables. */
export interface Actor {
  readonly name: string;
  /** Does what can be done now; true when anything moved. */
  readonly step: () => Promise<boolean>;
  /** When it wants to be asked again although nothing happens, in ms of the engine's clock. */
  readonly dueAt?: () => number | undefined;
}

/**
 * Time and turns of the in-memory log. Nothing moves by itself: `settle` asks all actors in the order
 * in which they came, round after round, until none moves; time passes only in `advance`.
 */
export interface Engine {
  readonly now: () => number;
  readonly add: (actor: Actor) => () => void;
  readonly settle: () => Promise<void>;
  /** Moves the clock to each due time on the way, in order, and settles there. */
  readonly advance: (ms: number) => Promise<void>;
  /** Resolves when the clock has moved on by `ms`, or the signal aborts. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Turns of the event loop without a move after which everything is quiet: code of services may run in between. */
const QUIET_TURNS = 3;
/** Far more than any test needs: beyond it something feeds itself. */
const MAX_ROUNDS = 100_000;

export function createEngine(startMs: number, version: () => number): Engine {
  const actors = new Set<Actor>();
  const sleepers = new Map<() => void, number>();
  let now = startMs;

  async function round(): Promise<Actor | undefined> {
    let moved: Actor | undefined;
    for (const actor of actors) {
      if (await actor.step()) moved = actor;
    }
    return moved;
  }

  async function settle(): Promise<void> {
    let last: Actor | undefined;
    let seen = version();
    for (let rounds = 0, quiet = 0; quiet < QUIET_TURNS; rounds += 1) {
      if (rounds > MAX_ROUNDS) throw new Error(`the log does not settle: ${last?.name} moves on`);
      const moved = await round();
      quiet = moved === undefined && version() === seen ? quiet + 1 : 0;
      last = moved ?? last;
      seen = version();
      if (quiet > 0) await turn();
    }
  }

  /** The next moment up to `limit` at which something is due. */
  function nextDue(limit: number): number | undefined {
    const dues = [...sleepers.values(), ...[...actors].map((actor) => actor.dueAt?.())];
    const coming = dues.filter((at) => at !== undefined && at > now && at <= limit);
    return coming.length === 0 ? undefined : Math.min(...(coming as number[]));
  }

  async function arrive(at: number): Promise<void> {
    now = at;
    for (const [wake, due] of sleepers) if (due <= now) wake();
    await settle();
  }

  return {
    now: () => now,
    add: (actor) => {
      actors.add(actor);
      return () => void actors.delete(actor);
    },
    settle,
    advance: async (ms) => {
      const target = now + ms;
      for (let due = nextDue(target); due !== undefined; due = nextDue(target)) await arrive(due);
      await arrive(target);
    },
    wait: (ms, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        if (signal?.aborted || ms <= 0) resolve();
        else {
          sleepers.set(wake, now + ms);
          signal?.addEventListener('abort', wake, { once: true });
        }
      }),
  };
}
