import { refilled, secondsToToken, type Bucket, type BucketLimit } from './token-bucket.ts';

/** Who guesses, and how often this may go wrong. */
export interface Guesser {
  readonly name: string;
  readonly limit: BucketLimit;
}

/** Slows down guesses at secrets. State changes with every call. */
export interface GuessBrake {
  /** Counts an attempt before it is looked at; seconds to wait, or 0 = go on. */
  readonly attempt: (guessers: readonly Guesser[], now: number) => number;
  /** The attempt was right: it does not count. */
  readonly succeeded: (guessers: readonly Guesser[], now: number) => void;
}

/** Wrong attempts of one address for one client: ten at once, then one in 10 s. */
const PAIR: BucketLimit = { requests_per_s: 0.1, burst: 10 };
/** Of one address for all clients: 40 at once, then one in 4 s. */
const ADDRESS: BucketLimit = { requests_per_s: 0.25, burst: 40 };
/** Guessers that are remembered; the one that was quiet longest is forgotten. */
const GUESSERS_MAX = 10_000;

/**
 * Both of them count. There is none of the client alone: whoever knows its name could lock it out. `network`
 * is the address, of v6 its first 64 bits.
 */
export function guessersOf(clientId: string, network: string): readonly Guesser[] {
  return [
    { name: `${network} ${clientId}`, limit: PAIR },
    { name: network, limit: ADDRESS },
  ];
}

/** A bucket of wrong attempts per guesser. */
export function guessBrake(maximum: number = GUESSERS_MAX): GuessBrake {
  const buckets = new Map<string, Bucket>();
  const put = (name: string, bucket: Bucket): void => {
    // Set anew, so that the map's order is that of use.
    buckets.delete(name);
    buckets.set(name, bucket);
    const [oldest] = buckets.keys();
    if (buckets.size > maximum && oldest !== undefined) buckets.delete(oldest);
  };
  return {
    attempt: (guessers, now) => {
      const states = guessers.map(({ name, limit }) => {
        const bucket = refilled(buckets.get(name), limit, now);
        return { name, limit, bucket };
      });
      const waitS = Math.max(
        0,
        ...states.map(({ bucket, limit }) => secondsToToken(bucket, limit)),
      );
      if (waitS > 0) return waitS;
      for (const { name, bucket } of states) {
        put(name, { ...bucket, tokens: bucket.tokens - 1 });
      }
      return 0;
    },
    succeeded: (guessers, now) => {
      for (const { name, limit } of guessers) {
        const bucket = refilled(buckets.get(name), limit, now);
        const tokens = Math.min(limit.burst, bucket.tokens + 1);
        if (tokens === limit.burst) buckets.delete(name);
        else put(name, { ...bucket, tokens });
      }
    },
  };
}
