/** An owner in memory, and the ports of a worker, for tests. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Message, PageFetched, SourceProgressed } from '@waybill/contracts';
import type { Outgoing, Owner } from '@waybill/stream';
import { until } from '@waybill/testkit';
import { extractorFault } from '../errors.ts';
import type { Clock, WorkerPorts } from '../ports.ts';
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

/** `<unit>/<t>` of the messages of one page. */
export function timesOf(page: PageFetched): string[] {
  const body = JSON.parse(page.body.toString('utf8')) as unknown;
  if (page.call === 'avl_evts') {
    const { events } = body as { events: { i: number; t: string; d: { t: number } }[] };
    return events.filter(({ t }) => t === 'm').map(({ i, d }) => `wialon:${i}/${d.t}`);
  }
  if (page.call !== 'messages/get_messages') return [];
  return (body as { t: number }[]).map(({ t }) => `${page.unit}/${t}`);
}

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

/** A clock whose waits take no time but move it; the provider's clock follows. */
export interface TestClock extends Clock {
  readonly waits: number[];
  readonly pass: (ms: number) => void;
}

export function createClock(startMs: number): TestClock {
  let now = startMs;
  const waits: number[] = [];
  return {
    now: () => now,
    waits,
    pass: (ms) => {
      now += ms;
    },
    wait: async (ms, signal) => {
      waits.push(ms);
      await turn();
      if (signal.aborted) throw extractorFault('STOPPED', 'stopped while waiting');
      now += ms;
    },
  };
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
  return {
    lines,
    ports: {
      wialon: connectWialon(clock),
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
      },
    },
  };
}

/** Looks at every turn of the event loop: the clock of these tests runs as fast as they turn. */
export async function untilTurn(what: string, condition: () => boolean): Promise<void> {
  await until(what, condition, { deadlineMs: 10_000, everyMs: 0 });
}
