import { hashId } from '@waybill/domain';
import type { Route } from '@waybill/runtime';
import { reworkStatus } from './core/rework-status.ts';
import { consoleFault } from './errors.ts';
import type { Ports } from './ports.ts';
import { malformed, readActor, readObject } from './read-request.ts';
import { readRework } from './read-rework.ts';

function readId(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)) return value;
  throw malformed('expected a rework id of 32 hex digits');
}

function unknownRework(id: string): Error {
  return consoleFault('REWORK_UNKNOWN', `nobody asked for the rework ${id}`);
}

/** POST /rework: sends chosen input records of a service through its current code again. */
export function createRework({ control, logger, metrics, now }: Ports, wake: () => void): Route {
  return async (_url, bytes) => {
    const wanted = readRework(readObject(bytes));
    const requested_time = now();
    const rework_id = hashId(JSON.stringify(wanted), requested_time);
    await control.startRework({ ...wanted, rework_id, requested_time });
    wake();
    metrics.decided('rework.requested');
    const { service, preview, requested_by: by } = wanted;
    logger.info({ rework_id, service, preview, by }, 'rework.requested');
    return { status: 200, body: { rework_id, service, preview } };
  };
}

/** POST /rework/cancel: the rework ends where it stands. */
export function createReworkCancel(
  { control, reworks, logger, metrics }: Ports,
  wake: () => void,
): Route {
  return async (_url, bytes) => {
    const body = readObject(bytes);
    const id = readId(body['rework_id']);
    const by = readActor(body);
    const order = await control.cancelRework(id, by);
    if (order === undefined) throw unknownRework(id);
    wake();
    metrics.decided('rework.cancelled');
    logger.info({ rework_id: id, by }, 'rework.cancelled');
    return { status: 200, body: reworkStatus(order.command, order.cancelled_by, reworks.of(id)) };
  };
}

/** GET /rework?id=: how far it is. */
export function createReworkStatus({ control, reworks }: Ports): Route {
  return async (url) => {
    const id = readId(url.searchParams.get('id'));
    const order = await control.rework(id);
    if (order === undefined) throw unknownRework(id);
    return { status: 200, body: reworkStatus(order.command, order.cancelled_by, reworks.of(id)) };
  };
}
