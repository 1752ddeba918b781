import { topics } from '@waybill/contracts';
import { END_OF_TIME_S, startOfInterval, type Window } from './core/plan.ts';
import { accountKey, cursorKey, unitName } from './core/account.ts';
import { hourOf } from './core/hour-counts.ts';
import type { Session } from './ask.ts';
import { cursorOf, publishPages, type AccountContext } from './context.ts';
import { readWindows, type ReadPage } from './read-windows.ts';
import { cursorRecord } from './records.ts';

const HOUR_S = 3600;

/**
 * Reads the interval that makes a unit complete, oldest first, each page committed with the unit's
 * cursor: incomplete, it is the device time reached; complete, the provider's clock at the loading. False
 * when the unit cannot be read (gone, no right): it gets no cursor, so that it is read from the start
 * when that changes.
 */
export async function readUnit(
  context: AccountContext,
  session: Session,
  id: number,
): Promise<boolean> {
  const { account, memory, ports } = context;
  const unit = unitName(id);
  const from = startOfInterval(cursorOf(context, unit), cursorOf(context, null), account);
  const fromS = Math.floor(from / 1000);
  const nowS = memory.providerNowS;
  memory.hours.begin(unit, hourOf(nowS));
  const publish = async (page: ReadPage): Promise<boolean> => {
    const cursor = cursorRecord(account, {
      unit,
      readToTime: (page.isLast ? nowS : Math.min(page.newestS, nowS)) * 1000,
      sessionHash: session.hash,
      updatedTime: context.stamp(),
      dirtyHours: memory.dirty.of(unit),
    });
    await publishPages(context, page.values, page.traceparent, [cursor]);
    ports.metrics.messages('interval', page.messages);
    return true;
  };
  const windows: readonly Window[] = [{ fromS, toS: END_OF_TIME_S }];
  const { outcome, counts } = await readWindows({ context, session, id, windows, publish });
  if (outcome === 'skip') {
    memory.hours.forget(unit);
    return false;
  }
  const interval = { fromS, toS: END_OF_TIME_S, open: true };
  memory.hours.read(unit, interval, counts, hourOf(memory.providerNowS));
  await publishPages(context, [], undefined, savedCounts(context, unit, session.hash));
  return true;
}

/** Reads hours of a unit again, as a run; its cursor keeps its place and takes the new counts. */
export async function readHours(
  context: AccountContext,
  session: Session,
  id: number,
  hours: readonly number[],
): Promise<void> {
  const { memory, ports } = context;
  const [first, last] = [hours[0], hours.at(-1)];
  if (first === undefined || last === undefined) return;
  const unit = unitName(id);
  const window = { fromS: first * HOUR_S, toS: (last + 1) * HOUR_S - 1 };
  memory.hours.begin(unit, hourOf(memory.providerNowS));
  const publish = async (page: ReadPage): Promise<boolean> => {
    await publishPages(context, page.values, page.traceparent, []);
    ports.metrics.messages('interval', page.messages);
    return true;
  };
  const { outcome, counts } = await readWindows({
    context,
    session,
    id,
    windows: [window],
    publish,
  });
  memory.dirty.done(unit, hours);
  if (outcome !== 'read') return;
  const interval = { ...window, open: false };
  memory.hours.read(unit, interval, counts, hourOf(memory.providerNowS));
  await publishPages(context, [], undefined, savedCounts(context, unit, session.hash));
}

/** The unit's cursor where it stands, with the dirty hours of now; nothing when it has them, or there is none. */
export function dirtyRecord(
  { account, owner, memory }: AccountContext,
  unit: string,
): ReturnType<typeof cursorRecord>[] {
  const known = owner.cursors.get(cursorKey(account, unit));
  if (known?.type !== 'CursorMoved') return [];
  const dirty_hours = [...memory.dirty.of(unit)];
  if (dirty_hours.join() === known.value.dirty_hours.join()) return [];
  const value = { ...known.value, dirty_hours };
  return [
    {
      topic: topics.wialonCursor,
      key: cursorKey(account, unit),
      partitionKey: accountKey(account),
      message: { type: 'CursorMoved', value },
    },
  ];
}

/** The unit's cursor where it stands, with counts and dirty hours of now; nothing when there is none, or nothing is new. */
export function savedCounts(
  context: AccountContext,
  unit: string,
  sessionHash: string | null,
): ReturnType<typeof cursorRecord>[] {
  const cursor = cursorOf(context, unit);
  if (cursor === undefined) return [];
  const counts = context.memory.hours.save(unit);
  // Also hours that the proof has just marked.
  if (counts === undefined) return dirtyRecord(context, unit);
  const dirtyHours = context.memory.dirty.of(unit);
  return [cursorRecord(context.account, { unit, sessionHash, ...cursor, counts, dirtyHours })];
}
