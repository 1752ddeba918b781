import type { RangeReread, ReworkRequested } from '@waybill/contracts';
import { rereadCommand, wantedId, wayOf } from './core/reread.ts';
import { reworkStatus } from './core/rework-status.ts';
import type { Ports } from './ports.ts';
import { repeat, type Repeated } from './repeat.ts';

/** Between two looks at what is wanted and what has ended. */
const PAUSE_MS = 1_000;
const RULE = 'rule beyond_grace: recompute';

/** The end marker behind what a raw topic gave: the console has seen that all tasks have ended. */
function markerOf(
  { reread }: ReworkRequested,
  ended: { readonly complete: boolean; readonly reason: string | null },
  now: number,
): RangeReread | undefined {
  return reread === null ? undefined : { ...reread, preview: false, ...ended, received_time: now };
}

/**
 * Orders wanted ranges and marks the end of those that our own raw topics were read for. Everything it does is
 * stored under ids that follow from the wish: doing it twice is once.
 */
export function startRereads(ports: Ports, wake: () => void): Repeated {
  const { control, proposals, reworks, logger, now } = ports;
  const ordered = new Set<string>();

  async function orderWanted(): Promise<void> {
    for (const proposal of proposals.all()) {
      const id = wantedId(proposal);
      if (proposal.status !== 'WANTED' || ordered.has(id)) continue;
      const { tenant_id: tenant, unit, from_time: from, to_time: to } = proposal;
      const model = await control.model(tenant);
      if (model === undefined) continue;
      const about = { tenant, unit, from, to, way: wayOf(model, unit) };
      const wish = { ...about, requestedBy: RULE, requestedTime: now() };
      const isNew = await control.startRework(rereadCommand(wish, id));
      ordered.add(id);
      if (!isNew) continue;
      wake();
      logger.info({ rework_id: id, tenant_id: tenant, unit, way: wish.way }, 'recompute.ordered');
    }
  }

  async function markEnded(): Promise<void> {
    for (const command of await control.openRereads()) {
      const { rework_id: id } = command;
      const { status, reasons } = reworkStatus(command, null, reworks.of(id));
      if (status === 'WAITING' || status === 'RUNNING') continue;
      const complete = status === 'DONE';
      const reason = complete ? null : `${status}: ${reasons.join('; ')}`;
      const marker = markerOf(command, { complete, reason }, now());
      if (marker !== undefined) await control.endReread(id, marker);
      wake();
    }
  }

  return repeat({
    name: 'rereads',
    pauseMs: PAUSE_MS,
    look: async () => {
      await orderWanted();
      await markEnded();
    },
    logger,
  });
}
