import type { PageFetched } from '@waybill/contracts';
import { hourOf } from './core/hour-counts.ts';
import { halves, type Window } from './core/plan.ts';
import { unitName } from './core/account.ts';
import { pageRecords } from './core/page.ts';
import { ask, type Session } from './ask.ts';
import type { AccountContext } from './context.ts';
import { extractorFault } from './errors.ts';
import { wrongShape } from './unusable.ts';

/** Loads of one interval before the session is given up. */
const MAX_RELOADS = 5;

/** One page of messages as it is to be published. */
export interface ReadPage {
  readonly values: readonly PageFetched[];
  readonly traceparent: string | undefined;
  readonly messages: number;
  /** Device time of the newest message so far, s. */
  readonly newestS: number;
  /** Up to here the windows are read, s: of the last page of a window its end. */
  readonly reachedS: number;
  /** Nothing comes behind it. */
  readonly isLast: boolean;
}

/** What is to be read, and where its pages go. */
export interface Reading {
  readonly context: AccountContext;
  readonly session: Session;
  readonly id: number;
  /** Oldest first. */
  readonly windows: readonly Window[];
  /** Takes each page, and once an empty one when the windows hold nothing. False ends the reading. */
  readonly publish: (page: ReadPage) => Promise<boolean>;
}

/** How a reading ended; counts are messages by hour of device time. */
export interface ReadResult {
  readonly outcome: 'read' | 'skip' | 'ended';
  readonly counts: ReadonlyMap<number, number>;
}

/** What reading one window came to. */
type WindowResult = 'read' | 'narrow' | 'reload' | 'skip' | 'ended';

function countOf(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null || !('count' in json)) return undefined;
  const { count } = json;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

function secondOf(message: unknown): number | undefined {
  if (typeof message !== 'object' || message === null || !('t' in message)) return undefined;
  return typeof message.t === 'number' && message.t >= 0 ? message.t : undefined;
}

/** Device time of the newest message of a page in s; a future-dated one does not count. */
function newestSecond(messages: readonly unknown[], nowS: number): number | undefined {
  return messages.map(secondOf).findLast((t): t is number => t !== undefined && t <= nowS);
}

interface Answer {
  readonly body: Buffer;
  readonly receivedTime: number;
  readonly traceparent: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * The answer to messages first…last of the loaded set. `[]` after asking for one more: servers disagree
 * whether `indexTo` is inclusive (fact sheet 8.2), so a short page is continued where it ended.
 */
async function askPage(
  { context, session }: Reading,
  first: number,
  last: number,
): Promise<
  | { readonly kind: 'page'; readonly asked: Answer; readonly messages: readonly unknown[] }
  | { readonly kind: 'cured'; readonly cure: string }
> {
  for (const indexTo of [last, last + 1]) {
    const parameters = { indexFrom: first, indexTo };
    const asked = await ask(context, session, 'messages/get_messages', parameters);
    if (asked.kind === 'cured') return { kind: 'cured', cure: asked.row.cure };
    if (!Array.isArray(asked.json)) {
      const call = { service: 'messages/get_messages', parameters };
      throw await wrongShape(context, session, call, { ...asked, expected: 'an array' });
    }
    const messages: readonly unknown[] = asked.json;
    if (messages.length > 0 || indexTo > last) {
      return { kind: 'page', asked: { ...asked, parameters }, messages };
    }
  }
  return { kind: 'cured', cure: 'reload' };
}

/** Number of messages in a window, which stays loaded; or what the provider's refusal asks for. */
export async function loadWindow(
  context: AccountContext,
  session: Session,
  id: number,
  window: Window,
): Promise<number | 'narrow' | 'skip'> {
  const service = 'messages/load_interval';
  const parameters = {
    itemId: id,
    timeFrom: window.fromS,
    timeTo: window.toS,
    flags: 0,
    flagsMask: 0,
    loadCount: 0,
  };
  const asked = await ask(context, session, service, parameters);
  if (asked.kind === 'cured') {
    const { cure } = asked.row;
    return cure === 'narrow' || cure === 'skip' ? cure : 0;
  }
  const count = countOf(asked.json);
  if (count === undefined) {
    const call = { service, parameters };
    throw await wrongShape(context, session, call, { ...asked, expected: 'a count' });
  }
  context.memory.budget.loaded(count);
  return count;
}

class WindowReader {
  readonly #reading: Reading;
  readonly counts = new Map<number, number>();

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  #count(messages: readonly unknown[]): void {
    for (const message of messages) {
      const second = secondOf(message);
      if (second === undefined) continue;
      const hour = hourOf(second);
      this.counts.set(hour, (this.counts.get(hour) ?? 0) + 1);
    }
  }

  #pageOf(window: Window, first: number, asked: Answer, count: number): readonly PageFetched[] {
    const { context, session, id } = this.#reading;
    return pageRecords(context.account, {
      call: 'messages/get_messages',
      parameters: asked.parameters,
      shape: { member: null },
      body: asked.body,
      count,
      firstIndex: first,
      unit: unitName(id),
      windowFromTime: window.fromS * 1000,
      windowToTime: window.toS * 1000,
      sessionHash: session.hash,
      receivedTime: asked.receivedTime,
      providerNowTime: null,
    });
  }

  async #pages(window: Window, count: number, isLast: boolean): Promise<WindowResult> {
    const { context, publish } = this.#reading;
    const nowS = context.memory.providerNowS;
    let reachedS = Math.min(window.fromS, nowS);
    for (let first = 0; first < count;) {
      const last = Math.min(first + context.account.pageMessages, count) - 1;
      const page = await askPage(this.#reading, first, last);
      if (page.kind === 'cured') return page.cure === 'narrow' ? 'narrow' : 'reload';
      const { asked, messages } = page;
      if (messages.length === 0) {
        const expected = `messages ${first} to ${last} of ${count}`;
        const call = { service: 'messages/get_messages', parameters: asked.parameters };
        await wrongShape(context, this.#reading.session, call, { ...asked, expected });
        return 'reload';
      }
      this.#count(messages);
      reachedS = Math.max(reachedS, newestSecond(messages, nowS) ?? reachedS);
      const isEnd = first + messages.length >= count;
      const goesOn = await publish({
        values: this.#pageOf(window, first, asked, messages.length),
        traceparent: asked.traceparent,
        messages: messages.length,
        newestS: reachedS,
        reachedS: isEnd ? window.toS : reachedS,
        isLast: isLast && isEnd,
      });
      if (!goesOn) return 'ended';
      first += messages.length;
    }
    return 'read';
  }

  async window(window: Window, isLast: boolean): Promise<WindowResult> {
    const { context, session, id, publish } = this.#reading;
    const count = await loadWindow(context, session, id, window);
    if (typeof count === 'string') return count;
    if (count > 0) {
      const result = await this.#pages(window, count, isLast);
      await ask(context, session, 'messages/unload', {});
      return result;
    }
    // Nothing was loaded, so there is nothing to free: a call less for every quiet unit.
    if (isLast) {
      const empty = { values: [], traceparent: undefined, messages: 0, isLast: true };
      await publish({ ...empty, newestS: window.fromS, reachedS: window.toS });
    }
    return 'read';
  }
}

/**
 * Reads windows of a unit, oldest first. A window that is too much for one call is halved; a set of
 * messages that the provider dropped is loaded again. `skip`: the unit is gone, or may not be read.
 */
export async function readWindows(reading: Reading): Promise<ReadResult> {
  const { context, id } = reading;
  const windows = reading.windows.toReversed();
  const reader = new WindowReader(reading);
  let reloads = 0;
  for (let window = windows.pop(); window !== undefined; window = windows.pop()) {
    const before = new Map(reader.counts);
    const result = await reader.window(window, windows.length === 0);
    if (result === 'skip' || result === 'ended') return { outcome: result, counts: reader.counts };
    if (result === 'read') continue;
    // What was counted of this window comes again.
    reader.counts.clear();
    for (const [hour, count] of before) reader.counts.set(hour, count);
    if (result === 'narrow') {
      const cut = halves(window, context.memory.providerNowS);
      if (cut === undefined) {
        throw extractorFault(
          'PROVIDER_STUCK',
          `messages/load_interval: ${unitName(id)} has too many messages in second ${window.fromS}`,
        );
      }
      windows.push(cut[1], cut[0]);
    } else {
      reloads += 1;
      if (reloads > MAX_RELOADS) {
        throw extractorFault(
          'PROVIDER_STUCK',
          `${unitName(id)}: loaded ${reloads} times without a result`,
        );
      }
      windows.push(window);
    }
  }
  return { outcome: 'read', counts: reader.counts };
}
