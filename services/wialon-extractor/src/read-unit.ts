import { END_OF_TIME_S, halves, startOfInterval, type Window } from './core/plan.ts';
import { unitName } from './core/account.ts';
import { pageRecords } from './core/page.ts';
import { ask, type Session } from './ask.ts';
import { cursorOf, publishPages, type AccountContext } from './context.ts';
import { extractorFault } from './errors.ts';
import { cursorRecord } from './records.ts';

/** Loads of one interval before the session is given up. */
const MAX_RELOADS = 5;

/** What reading one window came to. */
type WindowResult = 'read' | 'narrow' | 'reload' | 'skip';

interface Reading {
  readonly context: AccountContext;
  readonly session: Session;
  readonly id: number;
  readonly unit: string;
  /** Called between pages; keeps the feed flowing while a long interval is read. */
  readonly between: () => Promise<void>;
}

function countOf(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null || !('count' in json)) return undefined;
  const { count } = json;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/** Device time of the newest message of a page in s; a future-dated one does not count. */
function newestSecond(messages: readonly unknown[], nowS: number): number | undefined {
  return messages
    .map((message) =>
      typeof message === 'object' && message !== null && 't' in message ? message.t : undefined,
    )
    .findLast((t): t is number => typeof t === 'number' && t >= 0 && t <= nowS);
}

/**
 * The answer to messages first…last of the loaded set. `[]` after asking for one more: servers disagree
 * whether `indexTo` is inclusive (fact sheet 8.2), so a short page is continued where it ended.
 */
async function askPage(
  reading: Reading,
  first: number,
  last: number,
): Promise<
  | { readonly kind: 'page'; readonly asked: Answer; readonly messages: readonly unknown[] }
  | { readonly kind: 'cured'; readonly cure: string }
> {
  const { context, session } = reading;
  for (const indexTo of [last, last + 1]) {
    const parameters = { indexFrom: first, indexTo };
    const asked = await ask(context, session, 'messages/get_messages', parameters);
    if (asked.kind === 'cured') return { kind: 'cured', cure: asked.row.cure };
    if (!Array.isArray(asked.json)) {
      throw extractorFault('PROVIDER_GARBLED', 'messages/get_messages: expected an array');
    }
    const messages: readonly unknown[] = asked.json;
    if (messages.length > 0 || indexTo > last) {
      return { kind: 'page', asked: { ...asked, parameters }, messages };
    }
  }
  return { kind: 'cured', cure: 'reload' };
}

interface Answer {
  readonly body: Buffer;
  readonly receivedTime: number;
  readonly traceparent: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Publishes a page with the cursor behind it, in one transaction. */
async function commitPage(
  reading: Reading,
  window: Window,
  first: number,
  page: { readonly asked: Answer; readonly messages: readonly unknown[] },
  readToTime: number,
): Promise<void> {
  const { context, session, unit } = reading;
  const { account, ports } = context;
  const { asked, messages } = page;
  const values = pageRecords(account, {
    call: 'messages/get_messages',
    parameters: asked.parameters,
    shape: { member: null },
    body: asked.body,
    count: messages.length,
    firstIndex: first,
    unit,
    windowFromTime: window.fromS * 1000,
    windowToTime: window.toS * 1000,
    sessionHash: session.hash,
    receivedTime: asked.receivedTime,
    providerNowTime: null,
  });
  const cursor = cursorRecord(account, unit, readToTime, session.hash, context.stamp());
  await publishPages(context, session, values, asked.traceparent, [cursor]);
  ports.metrics.messages('interval', messages.length);
}

async function readPages(
  reading: Reading,
  window: Window,
  count: number,
  isLast: boolean,
): Promise<WindowResult> {
  const { context, session } = reading;
  // While the unit is incomplete its cursor is the device time reached; complete, the provider's clock.
  let reachedS = Math.min(window.fromS, session.providerNowS);
  const nowS = session.providerNowS;
  for (let first = 0; first < count;) {
    const last = Math.min(first + context.account.pageMessages, count) - 1;
    const page = await askPage(reading, first, last);
    if (page.kind === 'cured') return page.cure === 'narrow' ? 'narrow' : 'reload';
    if (page.messages.length === 0) return 'reload';
    reachedS = Math.max(reachedS, newestSecond(page.messages, nowS) ?? reachedS);
    const isComplete = isLast && first + page.messages.length >= count;
    await commitPage(reading, window, first, page, (isComplete ? nowS : reachedS) * 1000);
    first += page.messages.length;
    await reading.between();
  }
  return 'read';
}

async function readWindow(
  reading: Reading,
  window: Window,
  isLast: boolean,
): Promise<WindowResult> {
  const { context, session, id, unit } = reading;
  const asked = await ask(context, session, 'messages/load_interval', {
    itemId: id,
    timeFrom: window.fromS,
    timeTo: window.toS,
    flags: 0,
    flagsMask: 0,
    loadCount: 0,
  });
  if (asked.kind === 'cured') {
    if (asked.row.cure === 'narrow') return 'narrow';
    if (asked.row.cure === 'skip') return 'skip';
  }
  const count = asked.kind === 'cured' ? 0 : countOf(asked.json);
  if (count === undefined) {
    throw extractorFault('PROVIDER_GARBLED', 'messages/load_interval: expected a count');
  }
  if (count === 0 && isLast) {
    const readTo = session.providerNowS * 1000;
    const cursor = cursorRecord(context.account, unit, readTo, session.hash, context.stamp());
    await publishPages(context, session, [], undefined, [cursor]);
  }
  const result = await readPages(reading, window, count, isLast);
  await ask(context, session, 'messages/unload', {});
  return result;
}

/**
 * Reads the interval that makes a unit complete, oldest first, each page committed with the unit's
 * cursor. False when the unit cannot be read (gone, no right): it gets no cursor, so that it is read
 * from the start when that changes.
 */
export async function readUnit(
  context: AccountContext,
  session: Session,
  id: number,
  between: () => Promise<void>,
): Promise<boolean> {
  const { account } = context;
  const unit = unitName(id);
  const reading: Reading = { context, session, id, unit, between };
  const from = startOfInterval(cursorOf(context, unit), cursorOf(context, null), account);
  // Newest on top of nothing: the stack's end is read first, and it is always the oldest window.
  const windows: Window[] = [{ fromS: Math.floor(from / 1000), toS: END_OF_TIME_S }];
  let reloads = 0;
  for (let window = windows.pop(); window !== undefined; window = windows.pop()) {
    const result = await readWindow(reading, window, windows.length === 0);
    if (result === 'skip') return false;
    if (result === 'narrow') {
      const cut = halves(window, session.providerNowS);
      if (cut === undefined) {
        throw extractorFault(
          'PROVIDER_STUCK',
          `messages/load_interval: ${unit} has too many messages in second ${window.fromS}`,
        );
      }
      windows.push(cut[1], cut[0]);
    } else if (result === 'reload') {
      reloads += 1;
      if (reloads > MAX_RELOADS) {
        throw extractorFault('PROVIDER_STUCK', `${unit}: loaded ${reloads} times without a result`);
      }
      windows.push(window);
    }
  }
  return true;
}
