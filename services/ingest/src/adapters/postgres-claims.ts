import type { Pool } from '@waybill/postgres';
import type { Claim, ClaimRequest, ClaimStore, Logger } from '../ports.ts';
import type { IngestMetrics } from '../metrics.ts';
import { createBatches } from './batches.ts';
import { claimAll, type Claiming } from './claim-all.ts';
import { claimRounds } from './claim-rounds.ts';
import { createStatements, type ClaimOptions } from './claim-statements.ts';

/** Requests per statement; more wait for the next one. */
const BATCH_REQUESTS = 500;
/**
 * So many, if the last statement had no more, do not wait for its commit: the next one runs while claims go to
 * disk. Fewer would cost the database more than they hasten.
 */
const BATCH_AHEAD = 16;
/**
 * A statement costs the database and this process as much as ten requests in it, so at part load, when each is
 * soon answered, small ones would take the processor that a burst needs. As `linger.ms` of Kafka's producer: what
 * comes alone goes at once.
 */
const BATCH_SPACING = { ms: 5, enough: 24 };
/**
 * So many do not wait for the end of the turn that brings them, nor for one statement that is at work: the database
 * claims the first requests of a crowd while this process still reads the others. Fewer cost more than they hasten.
 */
const BATCH_BESIDE = 24;
/** How long the end of a round waits for a statement that takes it along. */
const END_DELAY_MS = 5;

/**
 * Claims in PostgreSQL. A claim is *open* (its round stands, with a lease; or round 0: given back) or
 * *done* (its round is gone).
 *
 * new → open → done; open with an old lease → open again for the next request, attempt + 1. All times
 * are the database's, so instances with different clocks agree on leases.
 *
 * Requests that come together share a statement and its commit, which also ends the rounds that were
 * finished since the last one; alone that is done only when no request waits. A batch takes its locks in
 * the order of the keys' ids, so two instances, or two batches at a time of one, do not wait for each other crosswise,
 * replays excepted; a batch whose commit is under way waits for nobody, so one that meets its keys only waits for the disk.
 */
export function postgresClaims(
  pool: Pool,
  options: ClaimOptions,
  logger: Pick<Logger, 'warn'>,
  metrics?: Pick<IngestMetrics, 'step'>,
): ClaimStore {
  const statements = createStatements(pool, options);
  const rounds = claimRounds();
  const claims = createBatches({
    maximum: BATCH_REQUESTS,
    run: async (requests: readonly ClaimRequest[]) => {
      const settled = new Map<ClaimRequest, Claim>();
      const claiming: Claiming = {
        statements,
        rounds,
        settled,
        committed: Promise.resolve(),
        metrics,
      };
      try {
        await claimAll(requests, claiming);
      } catch (error) {
        // All of the batch are told that it failed, those with a claim, too.
        for (const [{ requestId }, { kind }] of settled) {
          if (kind === 'granted') release(requestId).catch(() => undefined);
        }
        throw error;
      } finally {
        endSoon();
      }
      return claiming;
    },
    ended: ({ committed }) => committed,
    ahead: BATCH_AHEAD,
    beside: BATCH_BESIDE,
    spacing: BATCH_SPACING,
  });
  const releases = createBatches({
    maximum: BATCH_REQUESTS,
    run: statements.release,
  });
  let ending: NodeJS.Timeout | undefined;
  let closed = false;

  async function release(requestId: string): Promise<void> {
    const roundId = rounds.roundOf(requestId);
    if (roundId === undefined) return;
    try {
      await releases.add({ requestId, roundId });
      rounds.giveBack(requestId, true);
      endSoon();
    } catch (error) {
      rounds.giveBack(requestId, false);
      throw error;
    }
  }

  async function endRounds(): Promise<void> {
    const finished = rounds.takeFinished();
    if (finished.length === 0) return;
    try {
      await statements.complete(finished);
      rounds.ended(finished);
    } catch (error) {
      // Told again with the next claims. Until then other instances take these claims for leased.
      rounds.putBack(finished);
      logger.warn({ rounds: finished.length, err: error }, 'claim.complete_failed');
    }
  }

  /** Unless claims come meanwhile: their statement takes the news along. */
  function endSoon(): void {
    if (closed || ending !== undefined || !rounds.hasFinished()) return;
    ending = setTimeout(() => {
      ending = undefined;
      if (claims.size() === 0) void endRounds();
    }, END_DELAY_MS);
  }

  return {
    claim: async (request) => {
      const { settled } = await claims.add(request);
      // The loop of `claimAll` ends only when all are settled.
      return settled.get(request) as Claim;
    },
    complete: (requestId) => {
      rounds.complete(requestId);
      endSoon();
    },
    release,
    close: async () => {
      closed = true;
      clearTimeout(ending);
      await endRounds();
    },
    sweep: statements.sweep,
  };
}

/**
 * Settings that every connection of the claims' pool must have. The statements are planned once per
 * connection, often while the tables are new and small; a scan of the whole table that was right then
 * would be kept while the table grows, until the statistics are next collected.
 */
export const claimSettings: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  plan_cache_mode: 'force_generic_plan',
};
