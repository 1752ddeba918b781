import type { ClaimRequest } from '../ports.ts';

/** A claim that this process holds, or has completed while the database does not know it yet. */
interface Held {
  readonly round: Round;
  completed: boolean;
}

interface Round {
  readonly id: string;
  readonly requestIds: Set<string>;
  /** Claims that are at work. */
  open: number;
  /** A claim could not be given back: the round must not count as done. */
  spoiled: boolean;
}

/** Claims of this process, by the rounds in which they were opened. */
export interface ClaimRounds {
  /** A new round with what was granted in it. */
  readonly add: (roundId: string, granted: readonly ClaimRequest[]) => void;
  readonly roundOf: (requestId: string) => string | undefined;
  readonly complete: (requestId: string) => void;
  /** The database has (`released`) or could not be told (not) that the claim was given back. */
  readonly giveBack: (requestId: string, released: boolean) => void;
  /** Whether this process completed the claim, as long as the database may not know. */
  readonly isCompleted: (requestId: string) => boolean;
  /** Rounds that the database must be told of; they are the caller's now. */
  readonly takeFinished: () => readonly string[];
  readonly hasFinished: () => boolean;
  /** The database knows. */
  readonly ended: (roundIds: readonly string[]) => void;
  /** It could not be told. */
  readonly putBack: (roundIds: readonly string[]) => void;
}

/**
 * A round is *open* while a claim of it is at work → *finished* when all are completed or given back →
 * *told* to the database with the next statement → forgotten. Completed claims are remembered from their
 * completion until the database knows, because its word for them is "at work" until then.
 */
export function claimRounds(): ClaimRounds {
  const held = new Map<string, Held>();
  const rounds = new Map<string, Round>();
  let finished: string[] = [];

  const forget = (round: Round): void => {
    rounds.delete(round.id);
    for (const requestId of round.requestIds) {
      // After a lease ran out the claim may be held again, in a later round.
      if (held.get(requestId)?.round === round) held.delete(requestId);
    }
  };
  const settle = (round: Round): void => {
    round.open -= 1;
    if (round.open > 0) return;
    if (round.spoiled) forget(round);
    else finished.push(round.id);
  };

  return {
    add: (roundId, granted) => {
      const round: Round = { id: roundId, requestIds: new Set(), open: 0, spoiled: false };
      rounds.set(roundId, round);
      for (const request of granted) {
        round.requestIds.add(request.requestId);
        held.set(request.requestId, { round, completed: false });
      }
      round.open = granted.length;
      if (round.open === 0) finished.push(roundId);
    },
    roundOf: (requestId) => held.get(requestId)?.round.id,
    complete: (requestId) => {
      const claim = held.get(requestId);
      if (claim === undefined || claim.completed) return;
      claim.completed = true;
      settle(claim.round);
    },
    giveBack: (requestId, released) => {
      const claim = held.get(requestId);
      if (claim === undefined || claim.completed) return;
      held.delete(requestId);
      if (!released) claim.round.spoiled = true;
      settle(claim.round);
    },
    isCompleted: (requestId) => held.get(requestId)?.completed === true,
    takeFinished: () => finished.splice(0),
    hasFinished: () => finished.length > 0,
    ended: (roundIds) => {
      for (const id of roundIds) {
        const round = rounds.get(id);
        if (round !== undefined) forget(round);
      }
    },
    putBack: (roundIds) => {
      finished = [...roundIds, ...finished];
    },
  };
}
