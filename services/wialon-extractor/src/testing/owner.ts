/** An owner in memory, and the ports of a worker, for tests. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Message, PageFetched, SourceProgressed } from '@waybill/contracts';
import type { Outgoing, Owner } from '@waybill/stream';
import { until } from '@waybill/testkit';
import { extractorFault } from '../errors.ts';
import type { Clock, Wialon, WorkerPorts } from '../ports.ts';
import { connectWialon } from '../adapters/wialon-http.ts';
import type { CursorMessage } from '../records.ts';

/** One committed transaction. */
export type Transaction = readonly Outgoing[];

export interface TestOwner extends Owner<CursorMessage> {
  readonly log: Transaction[];
  readonly revoke: () => void;
  /** Throws in place of a commit, when it returns a fault. */
  failing: () => Error | undefined;
}

/** Keeps what was committed; refuses what breaks its contract, as the stream does. */
export function createOwner(before?: Owner<CursorMessage>): TestOwner {
  const cursors = new Map(before?.cursors);
  const controller = new AbortController();
  const owner: TestOwner = {
    partition: 0,
    owns: () => true,
    cursors,
    revoked: controller.signal,
    log: [],
    failing: () => undefined,
    revoke: () => controller.abort(),
    commit: async (records) => {
      await turn();
      // As the real owner: what is not committed when the partition goes is lost.
      if (controller.signal.aborted)
        throw extractorFault('STOPPED', 'the partition was taken away');
      const failure = owner.failing();
      if (failure !== undefined) throw failure;
      for (const { topic, key, message } of records) {
        if (message !== null) {
          const contracts = topic.contracts as unknown as Record<
            string,
            { violations: (value: unknown) => unknown } | undefined
          >;
          assert.deepEqual(contracts[message.type]?.violations(message.value), [], message.type);
        }
        if (topic.name !== 'wialon.cursor.state.v1') continue;
        if (message === null) cursors.delete(key);
        else cursors.set(key, message as CursorMessage);
      }
      owner.log.push(records);
    },
  };
  return owner;
}

/** Messages of a kind that stand in the log, in order. */
export function committed<T>(log: readonly Transaction[], type: string): T[] {
  return log
    .flat()
    .map((record): Message | null => record.message)
    .filter((message) => message?.type === type)
    .map((message) => message?.value as T);
}

/** Device times of all messages in the pages of the log, by unit, with repeats. */
export function publishedTimes(log: readonly Transaction[]): string[] {
  return committed<PageFetched>(log, 'PageFetched').flatMap((page) => timesOf(page));
}

/** `<unit>/<t>` of the messages of one page, as odd as they may be. */
export function timesOf(page: PageFetched): string[] {
  if (page.unusable_reason !== null) return [];
  const body = JSON.parse(page.body.toString('utf8')) as unknown;
  if (page.call === 'avl_evts') {
    const { events } = body as { events: ({ i: number; t: string; d?: WithTime } | null)[] };
    return events
      .filter((event) => event?.t === 'm')
      .map((event) => `wialon:${event?.i}/${event?.d?.t}`);
  }
  if (page.call !== 'messages/get_messages') return [];
  return (body as WithTime[]).map((message) => `${page.unit}/${message?.t}`);
}

type WithTime = { readonly t: number } | null;

/**
 * Every statement of progress must be true: all that was registered up to it stands before it.
 * `registered` are `<unit>/<t>` with the second of registration.
 */
export function assertProgressIsTrue(
  log: readonly Transaction[],
  registered: ReadonlyMap<string, number>,
): void {
  const seen = new Set<string>();
  for (const { message } of log.flat()) {
    if (message?.type === 'PageFetched') {
      for (const time of timesOf(message.value as PageFetched)) seen.add(time);
    } else if (message?.type === 'SourceProgressed') {
      const reached = (message.value as SourceProgressed).complete_to_time / 1000;
      for (const [time, second] of registered) {
        // Within the stated second a message may still be registered behind the answer (README, Decisions).
        assert.ok(second >= reached || seen.has(time), `${time} is missing at ${reached}`);
      }
    }
  }
}

/**
 * A clock that jumps to the next wait that is due once nothing else goes on: no call is in flight and the
 * event loop has turned without one. So concurrent waits end in the order of their times.
 */
export interface TestClock extends Clock {
  readonly waits: number[];
  readonly pass: (ms: number) => void;
  /** The clock stands while this is going on. */
  readonly during: <R>(work: Promise<R>) => Promise<R>;
}

/** Turns of the event loop without a call in flight before the clock moves. */
const QUIET_TURNS = 4;

export function createClock(startMs: number): TestClock {
  let now = startMs;
  let busy = 0;
  let pumping = false;
  const waits: number[] = [];
  const timers: { readonly at: number; readonly wake: () => void }[] = [];

  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    for (let quiet = 0; timers.length > 0;) {
      await turn();
      timers.sort((a, b) => a.at - b.at);
      quiet = busy === 0 ? quiet + 1 : 0;
      const isDue = (timers[0]?.at ?? now) <= now;
      if (quiet < QUIET_TURNS && !isDue) continue;
      quiet = 0;
      const next = timers.shift();
      now = Math.max(now, next?.at ?? now);
      next?.wake();
    }
    pumping = false;
  }

  return {
    now: () => now,
    waits,
    pass: (ms) => {
      now += ms;
    },
    during: async (work) => {
      busy += 1;
      try {
        return await work;
      } finally {
        busy -= 1;
      }
    },
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push(ms);
        const leave = (): void => {
          const at = timers.indexOf(timer);
          if (at >= 0) timers.splice(at, 1);
          reject(extractorFault('STOPPED', 'stopped while waiting'));
        };
        const timer = {
          at: now + ms,
          wake: () => {
            signal.removeEventListener('abort', leave);
            resolve();
          },
        };
        if (signal.aborted) return leave();
        signal.addEventListener('abort', leave, { once: true });
        timers.push(timer);
        void pump();
      }),
  };
}

function isTestClock(clock: Clock): clock is TestClock {
  return 'during' in clock;
}

/** Log lines as text, for what must and must not stand in them. */
export interface TestPorts {
  readonly ports: WorkerPorts;
  readonly lines: string[];
}

export function createPorts(
  clock: Clock,
  secret: (reference: string) => Promise<string>,
): TestPorts {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  const direct = connectWialon(clock);
  const wialon: Wialon = isTestClock(clock)
    ? { call: (...call) => clock.during(direct.call(...call)) }
    : direct;
  return {
    lines,
    ports: {
      wialon,
      clock,
      random: () => 0,
      secret,
      logger: {
        debug: write('debug'),
        info: write('info'),
        warn: write('warn'),
        error: write('error'),
      },
      tracer: {
        span: (name, _options, work) => work(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01 ${name}`),
      },
      metrics: {
        call: () => undefined,
        messages: () => undefined,
        session: () => undefined,
        gap: () => undefined,
        held: () => undefined,
        forecast: () => undefined,
        proved: () => undefined,
        waiting: () => undefined,
        unusable: () => undefined,
      },
    },
  };
}

/** Looks at every turn of the event loop: the clock of these tests runs as fast as they turn. */
export async function untilTurn(what: string, condition: () => boolean): Promise<void> {
  await until(what, condition, { deadlineMs: 60_000, everyMs: 0 });
}
