import type { ReworkCancelled, ReworkProgressed, ReworkRequested } from '@waybill/contracts';
import { toFault } from '@waybill/fault';
import { AuthorFailed } from './author.ts';
import { backoff } from './delay.ts';
import { streamFault } from './errors.ts';
import { openReworkGuard, type ReworkGuard } from './rework-guard.ts';
import type { ReworkHost, ReworkLife } from './rework-host.ts';
import { planRework } from './rework-plan.ts';
import { createReworkRun, type ReworkBatch, type ReworkRun } from './rework-run.ts';
import {
  begunProgress,
  createReworkState,
  inputNamed,
  MAX_FINDINGS,
  type ReworkState,
} from './rework-state.ts';

/**
 * Works off the rework commands of one task, oldest first, beside its inputs.
 *
 * Per command: *new* → plan (fixed by the first progress record) → *RUNNING*, a batch at a time, each one
 * transaction with the progress → *DONE*, *CANCELLED* or *FAILED*. All state is in the changelog: after a
 * failed transaction, a crash or a handover the next life of the task goes on where the progress stands.
 */
export interface Reworker {
  /** A command arrived, or the task is ready again: look. */
  readonly wake: () => void;
  /** Resolves when nothing runs any more. */
  readonly stop: () => Promise<void>;
}

/** Records in one transaction of a rework at most; fewer at low rates. */
const BATCH_RECORDS = 500;
const SECOND_MS = 1_000;
const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 5_000;

type Command = ReworkRequested | ReworkCancelled;

function isRequest(command: Command): command is ReworkRequested {
  return 'addresses' in command;
}

/** Interrupts the work on a command; the loop looks again. */
class Interrupted extends Error {}

export function startReworker<V>(host: ReworkHost<V>): Reworker {
  const { group, inTurn, log, logger, metrics, options, partition } = host;
  const stopping = new AbortController();
  /** Commands whose records made the author's code throw, until that is in the changelog. */
  const failed = new Map<string, string>();
  let rouse = Promise.withResolvers<void>();

  function commandOf(id: string): Command | undefined {
    return commands().find(({ rework_id }) => rework_id === id);
  }

  function commands(): readonly Command[] {
    // The topic has these two contracts.
    return host.commands().map(({ value }) => value as Command);
  }

  /** Runs `work` in turn or interrupts. */
  async function turn<R>(work: (life: ReworkLife<V>) => Promise<R>): Promise<R> {
    let result: { readonly value: R } | undefined;
    const ran = await inTurn(async (life) => {
      result = { value: await work(life) };
    });
    if (!ran || result === undefined) throw new Interrupted();
    return result.value;
  }

  /** Commits a progress that no reworked record goes with. */
  function write(change: (state: ReworkState) => ReworkProgressed): Promise<ReworkProgressed> {
    return turn(async (life) => {
      const state = createReworkState(life.state.reworks, partition);
      const progress = change(state);
      await life.transact(() => state.put(progress));
      return progress;
    });
  }

  function tell(progress: ReworkProgressed, message: string): void {
    const { rework_id, status, preview, records_done, records_refused, records_missing } = progress;
    const { elements_superseded, reason } = progress;
    logger.info(
      {
        ...{ group, partition, rework_id, status, preview, records_done, records_refused },
        ...{ records_missing, elements_superseded, reason },
      },
      message,
    );
  }

  async function end(
    command: Pick<ReworkRequested, 'rework_id' | 'service' | 'preview'>,
    status: 'CANCELLED' | 'FAILED',
    reason: string,
  ): Promise<void> {
    const progress = await write((state) => ({
      ...(state.progress(command.rework_id) ?? begunProgress(command, host, log.now())),
      ...{ status, reason, spans: [], updated_time: log.now() },
    }));
    tell(progress, 'rework.ended');
  }

  async function begin(command: ReworkRequested): Promise<ReworkProgressed> {
    const { inputs, deadLetter } = options;
    const plan = await planRework({ ...host, inputs, deadLetter }, command);
    const bounds = await log.bounds(inputs);
    const progress = await write((state) => {
      for (const { name } of inputs) {
        state.forget(name, bounds.get(`${name}/${partition}`)?.low ?? 0n);
      }
      return {
        ...begunProgress(command, host, log.now()),
        spans: plan.spans,
        records_missing: plan.missing,
        status: plan.spans.length === 0 ? 'DONE' : 'RUNNING',
      };
    });
    metrics.reworked('missing', plan.missing);
    tell(progress, plan.spans.length === 0 ? 'rework.ended' : 'rework.started');
    return progress;
  }

  /** Hands one batch over, then waits as long as the rate asks for. */
  async function step(
    run: ReworkRun<V>,
    command: ReworkRequested,
    progress: ReworkProgressed,
    part: Pick<ReworkBatch, 'records' | 'next' | 'missing'>,
  ): Promise<ReworkProgressed> {
    const [span] = progress.spans;
    const topic = span && inputNamed(options.inputs, span.topic);
    const now = commandOf(command.rework_id);
    if (stopping.signal.aborted || !span || !topic || !now || !isRequest(now)) {
      throw new Interrupted();
    }
    const batch = { command, span, topic, ...part };
    let author: AuthorFailed | undefined;
    const after = await turn(async (life) => {
      try {
        return await run.batch(life, batch);
      } catch (error) {
        if (!(error instanceof AuthorFailed)) throw error;
        author = error;
        failed.set(command.rework_id, `${error.fault.code}: ${error.fault.message}`);
        // The author's memory may be half changed: the task is built anew, the service goes on.
        throw streamFault(
          'KAFKA_FAILED',
          'decide',
          'a rework failed, its task is built anew',
          error,
        );
      }
    });
    if (author !== undefined || after === undefined) throw new Interrupted();
    const pause = (part.records.length / command.rate_records_per_s) * SECOND_MS;
    if (pause >= 1) await log.wait(pause, stopping.signal);
    return after;
  }

  /** The first span of the progress, from where it stands to its end. */
  async function workSpan(
    run: ReworkRun<V>,
    command: ReworkRequested,
    begun: ReworkProgressed,
  ): Promise<ReworkProgressed> {
    const [span] = begun.spans;
    const topic = span && inputNamed(options.inputs, span.topic);
    if (!span || !topic) throw new Interrupted();
    const end = BigInt(span.end);
    const most = Math.min(BATCH_RECORDS, command.rate_records_per_s);
    const stretch = { topic, partition, from: BigInt(span.next), to: end };
    let progress = begun;
    let isFound = false;
    for await (const { received, unreadable } of log.read(stretch)) {
      const chosen = [...received, ...unreadable]
        .filter(({ key }) => command.key === null || key === command.key)
        .toSorted((a, b) => Number(a.offset - b.offset));
      for (let at = 0; at < chosen.length; at += most) {
        isFound = true;
        const records = chosen.slice(at, at + most);
        const next = (records.at(-1)?.offset ?? end) + 1n;
        progress = await step(run, command, progress, { records, next, missing: 0 });
        if (progress.spans[0]?.end !== span.end || progress.status !== 'RUNNING') return progress;
      }
    }
    const isSingle = command.addresses.length > 0 || command.dead_letter_ids.length > 0;
    return step(run, command, progress, {
      records: [],
      next: end,
      missing: +(isSingle && !isFound),
    });
  }

  /** Ends a preview: compares outside of the turns of the task, so that its inputs go on. */
  async function conclude(
    run: ReworkRun<V>,
    { rework_id: id }: ReworkRequested,
    progress: ReworkProgressed,
  ): Promise<ReworkProgressed> {
    const { compared, findings } = await run.compare();
    return write((state) => {
      const at = state.progress(id) ?? progress;
      const first = [...at.findings, ...findings].slice(0, MAX_FINDINGS);
      return { ...at, status: 'DONE', compared, findings: first, updated_time: log.now() };
    });
  }

  async function work(
    command: ReworkRequested,
    known: ReworkProgressed | undefined,
  ): Promise<void> {
    // What a preview made stands in memory only: another life of the task begins it anew.
    let progress = command.preview ? await begin(command) : (known ?? (await begin(command)));
    if (progress.status !== 'RUNNING') return;
    const guard: ReworkGuard = await openReworkGuard(log, options.outputs);
    try {
      const run = createReworkRun(host, guard);
      while (progress.status === 'RUNNING' && progress.spans.length > 0) {
        progress = await workSpan(run, command, progress);
      }
      if (progress.status === 'RUNNING') progress = await conclude(run, command, progress);
    } finally {
      await guard.close();
    }
    tell(progress, 'rework.ended');
  }

  /** One look: ends what is to end and works on the oldest open command. True = look again at once. */
  async function look(): Promise<boolean> {
    const open = await turn(async (life) => {
      const state = createReworkState(life.state.reworks, partition);
      return commands()
        .map((command) => ({ command, progress: state.progress(command.rework_id) }))
        .filter(({ progress }) => progress === undefined || progress.status === 'RUNNING')
        .toSorted((a, b) => a.command.requested_time - b.command.requested_time);
    });
    const [oldest] = open;
    if (oldest === undefined) return false;
    const { command, progress } = oldest;
    const failure = failed.get(command.rework_id);
    if (!isRequest(command)) {
      const { rework_id, service, requested_by: by } = command;
      const preview = progress?.preview ?? false;
      await end({ rework_id, service, preview }, 'CANCELLED', `cancelled by ${by}`);
    } else if (failure === undefined) await work(command, progress);
    else {
      metrics.reworked('failed', 1);
      await end(command, 'FAILED', failure);
      failed.delete(command.rework_id);
    }
    return true;
  }

  async function run(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted;) {
      const woken = rouse.promise;
      try {
        while (!stopping.signal.aborted && (await look())) failures = 0;
        await woken;
      } catch (error) {
        if (error instanceof Interrupted) {
          // A ready task and a changed command wake us; the pause is for a task that went on already.
          await Promise.race([woken, log.wait(RETRY_MAX_MS, stopping.signal)]);
        } else {
          const { code, message: detail } = toFault(error, 'decide');
          logger.warn({ group, partition, code, detail }, 'rework.delayed');
          await log.wait(backoff(failures, RETRY_FIRST_MS, RETRY_MAX_MS), stopping.signal);
          failures += 1;
        }
      }
    }
  }

  const done = run();
  return {
    wake: () => {
      const before = rouse;
      rouse = Promise.withResolvers();
      before.resolve();
    },
    stop: async () => {
      stopping.abort();
      rouse.resolve();
      await done;
    },
  };
}
