import { isFault } from '@waybill/fault';
import type { Outgoing } from '@waybill/stream';
import { unitName } from './core/account.ts';
import { LATE_S } from './core/dirty-hours.ts';
import { hourOf } from './core/hour-counts.ts';
import { pageRecords } from './core/page.ts';
import { ask, waitOf, type Session } from './ask.ts';
import { cursorOf, publishPages, type AccountContext } from './context.ts';
import { cursorRecord, progressRecord } from './records.ts';
import { dirtyRecord } from './read-unit.ts';
import { wrongShape } from './unusable.ts';

/** Progress is stated at least this often in wall time, also when the provider's clock stands. */
const PROGRESS_MS = 10_000;

/** The provider allows ten polls in 10 s. */
const MIN_POLL_GAP_MS = 1000;

/** Service event "access rights gained or lost". */
const ACCESS_CHANGED = -5;

/** What a poll came to. */
export interface Polled {
  /** False when the answer is lost: all units must be read again before progress goes on. */
  readonly complete: boolean;
  /** Units were gained or lost: look again. */
  readonly unitsChanged: boolean;
}

/** The feed's memory of one session. */
export interface Feed {
  /** One poll; publishes what it brought. With `progress` also how complete the account is now. */
  readonly poll: (progress: boolean, provedDay?: number) => Promise<Polled>;
  /** Wall time until the next poll is due or allowed, ms. */
  readonly dueIn: (intervalMs: number) => number;
}

interface Answer {
  readonly tm: number;
  readonly events: readonly unknown[];
}

function parse(json: unknown): Answer | undefined {
  if (typeof json === 'object' && json !== null && 'tm' in json && 'events' in json) {
    const { tm, events } = json;
    if (typeof tm === 'number' && Number.isFinite(tm) && Array.isArray(events)) {
      return { tm: Math.trunc(tm), events };
    }
  }
  return undefined;
}

/** Unit and device second of a message event. */
function messageOf(event: unknown): { unit: number; second: number } | undefined {
  if (typeof event !== 'object' || event === null || !('i' in event) || !('d' in event))
    return undefined;
  const { i: unit, d } = event;
  if (typeof unit !== 'number' || !Number.isSafeInteger(unit) || unit <= 0) return undefined;
  if (!('t' in event) || event.t !== 'm') return undefined;
  if (typeof d !== 'object' || d === null || !('t' in d) || typeof d.t !== 'number')
    return undefined;
  return { unit, second: d.t };
}

function changesUnits(event: unknown, known: ReadonlySet<number>): boolean {
  if (typeof event !== 'object' || event === null || !('i' in event)) return false;
  const { i } = event;
  if (i === ACCESS_CHANGED) return true;
  return typeof i === 'number' && i > 0 && 't' in event && event.t === 'm' && !known.has(i);
}

/**
 * The live feed of a session. avl_evts gives everything registered since the previous poll, once: what
 * is lost on the way can only be read again by interval. So the page, the statement of progress behind
 * it and the live cursor are one transaction.
 */
export function createFeed(
  context: AccountContext,
  session: Session,
  known: () => ReadonlySet<number>,
): Feed {
  const { account, ports, fields } = context;
  let statedAt = Number.NEGATIVE_INFINITY;
  let polledAt = Number.NEGATIVE_INFINITY;
  let lostInARow = 0;

  function progressRecords(
    tm: number,
    traceparent: string | undefined,
    provedDay: number | undefined,
  ): Outgoing[] {
    const before = cursorOf(context, null)?.readToTime ?? Number.NEGATIVE_INFINITY;
    const now = ports.clock.now();
    const reached = Math.max(before, tm * 1000);
    if (reached === before && now - statedAt < PROGRESS_MS) return [];
    return [
      progressRecord(account, reached, now, traceparent),
      cursorRecord(account, {
        unit: null,
        readToTime: reached,
        sessionHash: session.hash,
        updatedTime: context.stamp(),
        provedDay,
      }),
    ];
  }

  /**
   * What the answer says about hours: messages are counted, late ones mark their hour. Gives the units of which
   * an hour became dirty.
   */
  function remember(events: readonly unknown[], poll: number): ReadonlySet<string> {
    const { memory } = context;
    const marked = new Set<string>();
    const nowHour = hourOf(memory.providerNowS);
    for (const event of events) {
      const heard = messageOf(event);
      if (heard === undefined) continue;
      const unit = unitName(heard.unit);
      memory.hours.live(unit, heard.second, poll, nowHour);
      const isLate = heard.second < memory.providerNowS - LATE_S && heard.second >= 0;
      if (isLate && memory.dirty.mark(unit, hourOf(heard.second), ports.clock.now())) {
        marked.add(unit);
      }
    }
    return marked;
  }

  async function publish(progress: boolean, provedDay: number | undefined): Promise<Polled> {
    polledAt = ports.clock.now();
    const poll = context.memory.hours.polled();
    const asked = await ask(context, session, 'avl_evts', {});
    if (asked.kind === 'cured') {
      await ports.clock.wait(waitOf(asked.row, lostInARow, ports.random()), context.signal);
      return { complete: false, unitsChanged: false };
    }
    const parsed = parse(asked.json);
    if (parsed === undefined) {
      const call = { service: 'avl_evts', parameters: {} };
      throw await wrongShape(context, session, call, { ...asked, expected: '{tm, events}' });
    }
    const { tm, events } = parsed;
    context.memory.providerNowS = Math.max(context.memory.providerNowS, tm);
    const values =
      events.length === 0
        ? []
        : pageRecords(account, {
            call: 'avl_evts',
            parameters: { sid: session.sid },
            shape: { member: 'events', repeated: 'tm' },
            body: asked.body,
            count: events.length,
            firstIndex: 0,
            unit: null,
            windowFromTime: null,
            windowToTime: null,
            sessionHash: session.hash,
            receivedTime: asked.receivedTime,
            providerNowTime: tm * 1000,
          });
    const stated = progress ? progressRecords(tm, asked.traceparent, provedDay) : [];
    // The marks stand with the messages that made them.
    const marks = [...remember(events, poll)].flatMap((unit) => dirtyRecord(context, unit));
    await publishPages(context, values, asked.traceparent, [...stated, ...marks]);
    await context.commits.drained();
    context.memory.heardToMs = tm * 1000;
    if (stated.length > 0) statedAt = ports.clock.now();
    ports.metrics.messages('live', events.length);
    const ids = known();
    return { complete: true, unitsChanged: events.some((event) => changesUnits(event, ids)) };
  }

  return {
    poll: async (progress, provedDay) => {
      try {
        const polled = await publish(progress, provedDay);
        lostInARow = polled.complete ? 0 : lostInARow + 1;
        return polled;
      } catch (error) {
        if (!isFault(error) || !error.code.startsWith('PROVIDER_')) throw error;
        ports.logger.warn({ ...fields, code: error.code, message: error.message }, 'feed.lost');
        lostInARow += 1;
        if (error.code === 'PROVIDER_STUCK') throw error;
        return { complete: false, unitsChanged: false };
      }
    },
    dueIn: (intervalMs) => polledAt + Math.max(MIN_POLL_GAP_MS, intervalMs) - ports.clock.now(),
  };
}
