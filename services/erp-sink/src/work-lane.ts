import { toFault } from '@waybill/fault';
import type { Inbox, InboxRow, LaneClaim, Settled } from '@waybill/inbox';
import type { MappingStore } from './adapters/mapping-store.ts';
import { attemptRow, type DeliverParts } from './deliver.ts';
import { EVENT_OFF, messagesOf, type Attempt } from './outcome.ts';
import type { SinkLogger } from './ports.ts';

/** Part of the lease (6 s) in which rows are begun; the rest is for the last one and for settling. */
const BEGIN_WITHIN_MS = 3000;

/** A deadlock or a short absence of the delivery database; after that the lease brings the rows back. */
const SETTLE_ATTEMPTS = 3;
const SETTLE_PAUSE_MS = 100;

export interface LaneParts extends DeliverParts {
  readonly inbox: Inbox;
  readonly mappings: MappingStore;
  readonly logger: SinkLogger;
  readonly stopping: AbortSignal;
}

interface Done {
  readonly row: InboxRow;
  readonly attempt: Attempt;
  readonly durationMs: number;
}

/** True when what stands behind the row must not overtake it. */
function holdsLane({ result }: Attempt): boolean {
  return result.kind === 'retry' || result.kind === 'pause' || result.kind === 'target_down';
}

async function attemptRows(parts: LaneParts, claim: LaneClaim): Promise<readonly Done[]> {
  const begun = performance.now();
  // Read after the claim: a change that comes later finds the rows in the inbox and raises their
  // resolution, so that what is settled here does not count.
  const refs = [...new Set(claim.rows.flatMap((row) => row.refs))];
  const intervals = await parts.mappings.intervals(claim.tenantId, refs);
  const done: Done[] = [];
  for (const row of claim.rows) {
    if (parts.stopping.aborted || performance.now() - begun > BEGIN_WITHIN_MS) break;
    const started = performance.now();
    const attempt = await attemptRow(parts, row, intervals);
    done.push({ row, attempt, durationMs: performance.now() - started });
    if (holdsLane(attempt)) break;
  }
  return done;
}

async function settle(
  { inbox, logger }: LaneParts,
  claim: LaneClaim,
  done: readonly Done[],
): Promise<readonly Settled[] | undefined> {
  const settlements = done.map(({ row, attempt }) => ({
    row,
    result: attempt.result,
    outbox: (settled: Settled) => messagesOf(row, attempt, settled),
  }));
  for (let n = 1; ; n += 1) {
    try {
      return await inbox.settle(claim, settlements);
    } catch (error) {
      const { kind, code, message } = toFault(error, 'commit');
      if (kind !== 'transient') throw error;
      logger.warn({ lane: claim.lane, code, detail: message, attempt: n }, 'settlement.delayed');
      if (n >= SETTLE_ATTEMPTS) return undefined;
      await new Promise((resolve) => {
        setTimeout(resolve, SETTLE_PAUSE_MS * n);
      });
    }
  }
}

function outcomeOf({ result }: Attempt, settled: Settled): string {
  if (settled.state === 'done') return result.kind === 'done' ? result.outcome : 'DONE';
  if (settled.state === 'dead') return 'DEAD_LETTERED';
  if (settled.state === 'parked') return result.kind === 'manual' ? 'MANUAL' : 'WAITING';
  return 'RETRY';
}

/** One wide line and the numbers of one attempt. */
function report(parts: LaneParts, { row, attempt, durationMs }: Done, settled: Settled): void {
  const { result } = attempt;
  const { metrics } = parts.ports;
  const outcome = outcomeOf(attempt, settled);
  metrics.attempted(row.entity, outcome, durationMs / 1000);
  // Rework of an id map is no measure of how long a fact was on its way.
  if (settled.state === 'done' && row.resolution === 1 && outcome !== EVENT_OFF) {
    metrics.delivered(row.entity, Math.max(0, attempt.at - row.receivedTime) / 1000);
  }
  const line = {
    tenant_id: row.tenantId,
    target: row.target,
    entity: row.entity,
    event_id: row.eventId,
    entity_id: row.entityId,
    revision: row.revision,
    resolution: row.resolution,
    outcome,
    ...('fault' in result ? { code: result.fault.code, detail: result.fault.message } : {}),
    ...('reason' in result ? { reason: result.reason } : {}),
    ...(attempt.amendments.length === 0 ? {} : { amendments: attempt.amendments }),
    ...('attempts' in settled ? { attempts: settled.attempts } : {}),
    duration_ms: Math.round(durationMs * 10) / 10,
  };
  if ('fault' in result) parts.logger.warn(line, 'delivery.attempted');
  else parts.logger.info(line, 'delivery.attempted');
}

/**
 * Works on a claimed lane: its rows in order, then one transaction that settles them. Throws a
 * transient Fault when the delivery database is away; the lease brings the rows back.
 */
export async function workLane(parts: LaneParts, claim: LaneClaim): Promise<void> {
  const done = await attemptRows(parts, claim);
  const settled = await settle(parts, claim, done);
  if (settled === undefined) {
    parts.logger.warn({ tenant_id: claim.tenantId, lane: claim.lane }, 'lease.lost');
    return;
  }
  for (const [index, one] of done.entries()) {
    const what = settled[index];
    if (what !== undefined) report(parts, one, what);
  }
}
