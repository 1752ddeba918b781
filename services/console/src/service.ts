import type { RunningService } from '@waybill/runtime';
import { createApply } from './handle-apply.ts';
import { createMapping, createMappings } from './handle-mapping.ts';
import { createRework, createReworkCancel, createReworkStatus } from './handle-rework.ts';
import { createWhy } from './handle-why.ts';
import { createProposals, createRecompute, createVerdict } from './handle-proposals.ts';
import { startDriverPlans } from './driver-plans.ts';
import type { Ports } from './ports.ts';
import { startPublisher } from './publisher.ts';
import { startRereads } from './rereads.ts';

export const SERVICE = 'console';

/** The only writer of what people decide; answers why. */
export function createService(ports: Ports): RunningService {
  const outbox = startPublisher(ports);
  const rereads = startRereads(ports, outbox.wake);
  const plans = startDriverPlans(ports, outbox.wake);
  /** Of tenant files and ids the plans depend too. */
  const wakeBoth = (): void => {
    outbox.wake();
    plans.wake();
  };
  return {
    // It reads no topic, so it has no positions.
    health: () => ({ ready: outbox.working(), positions: [] }),
    routes: {
      'GET /tenants': async () => ({
        status: 200,
        body: { tenants: await ports.control.tenants() },
      }),
      'POST /tenants/*': createApply(ports, wakeBoth),
      'GET /mappings': createMappings(ports),
      'POST /mappings': createMapping(ports, wakeBoth),
      'GET /why': createWhy(ports),
      'GET /proposals': createProposals(ports),
      'POST /proposals/verdict': createVerdict(ports, outbox.wake),
      'POST /recompute': createRecompute(ports, outbox.wake),
      'GET /rework': createReworkStatus(ports),
      'POST /rework': createRework(ports, outbox.wake),
      'POST /rework/cancel': createReworkCancel(ports, outbox.wake),
    },
    done: Promise.all([outbox.done, rereads.done, plans.done]).then(() => undefined),
    stop: async () => {
      await plans.stop();
      await rereads.stop();
      await outbox.stop();
      await ports.publisher.close();
      await ports.streams.close();
      await ports.control.close();
      await ports.ledger.close();
    },
  };
}
