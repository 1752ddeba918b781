import type {
  RereadRange,
  ReworkProgressed,
  ReworkRequested,
  ReworkSpan,
  Topic,
} from '@waybill/contracts';
import type { Emitter, Received, Task } from './port.ts';
import type { Unreadable } from './record.ts';
import { createComparison, type Comparison } from './rework-comparison.ts';
import { nothingReworked, previewEmitter, reworkEmitter, type Reworked } from './rework-emitter.ts';
import type { ReworkGuard } from './rework-guard.ts';
import type { ReworkHost, ReworkLife } from './rework-host.ts';
import { openPreview, type Preview } from './rework-preview.ts';
import { addOutcomes, createReworkState, MAX_FINDINGS } from './rework-state.ts';

/** Records of one span that are reworked in one transaction. */
export interface ReworkBatch {
  readonly command: ReworkRequested;
  readonly span: ReworkSpan;
  readonly topic: Topic;
  /** Those that were chosen; may be none when a key restricts the span. */
  readonly records: readonly (Received | Unreadable)[];
  /** Where the span goes on. */
  readonly next: bigint;
  /** Chosen records that the topic does not hold any more. */
  readonly missing: number;
}

const DEFAULT_TIMES = 5;

function isUnreadable(record: Received | Unreadable): record is Unreadable {
  return 'problem' in record;
}

/** The code of one task that reworks; lives as long as the command that it works on. */
export interface ReworkRun<V> {
  /**
   * Runs one batch and commits it with the progress. Returns the progress, or undefined when the task
   * stands elsewhere: another life of it went further.
   */
  readonly batch: (
    life: ReworkLife<V>,
    batch: ReworkBatch,
  ) => Promise<ReworkProgressed | undefined>;
  /** Of a preview: what its batches made, against what was published. */
  readonly compare: Comparison['result'];
}

/** The spans after a batch: the first one goes on at `next`, or is over. */
function spansAfter(spans: readonly ReworkSpan[], next: bigint): readonly ReworkSpan[] {
  const [first, ...rest] = spans;
  if (first === undefined) return [];
  return next < BigInt(first.end) ? [{ ...first, next: Number(next) }, ...rest] : rest;
}

/** Hands records to `reread` of the author, who may have none. */
function rereadRecords(
  task: Task,
  records: readonly Received[],
  out: Emitter,
  range: RereadRange,
): void {
  if (task.reread === undefined) {
    throw new Error('this service does not read ranges of its inputs again');
  }
  if (records.length > 0) task.reread(records, out, range);
}

export function createReworkRun<V>(host: ReworkHost<V>, guard: ReworkGuard): ReworkRun<V> {
  const { codecs, log, metrics, options, partition } = host;
  const mostTimes = options.rework?.timesPerRecord ?? DEFAULT_TIMES;
  const comparison = createComparison(host, guard);
  let preview: Preview | undefined;

  function dryRun(
    life: ReworkLife<V>,
    received: readonly Received[],
    index: number,
    report: Reworked,
  ): void {
    if (preview?.of !== life.state) preview = openPreview(host, life);
    const first = Number(received[0]?.offset ?? 0);
    for (const { publishedTime } of received) comparison.published(publishedTime);
    const silent = previewEmitter(codecs, report, comparison, first);
    preview.handle(received, reworkEmitter(silent, index, guard, report));
  }

  function after(
    progress: ReworkProgressed,
    { command, records, next, missing }: ReworkBatch,
    done: number,
    report: Reworked,
  ): ReworkProgressed {
    const refused = records.length - done;
    const spans = spansAfter(progress.spans, next);
    const findings = [...progress.findings, ...report.findings].slice(0, MAX_FINDINGS);
    return {
      ...progress,
      spans,
      // A preview is done when it is compared.
      status: spans.length === 0 && !command.preview ? 'DONE' : 'RUNNING',
      records_done: progress.records_done + done,
      records_refused: progress.records_refused + refused,
      records_missing: progress.records_missing + missing,
      elements_superseded: progress.elements_superseded + report.superseded,
      outcomes: addOutcomes(progress.outcomes, report.outcomes),
      findings,
      reason: refused > 0 ? `records were reworked ${mostTimes} times already` : progress.reason,
      updated_time: log.now(),
    };
  }

  return {
    compare: comparison.result,
    batch: async (life, batch) => {
      const { command, span, topic, records } = batch;
      const state = createReworkState(life.state.reworks, partition);
      const progress = state.progress(command.rework_id);
      const standing = progress?.spans[0];
      const fits =
        progress?.status === 'RUNNING' &&
        standing?.topic === span.topic &&
        standing.next === span.next &&
        standing.index === span.index;
      if (!fits) return undefined;
      const { reread } = command;
      // What is only read again stays as it was worked on.
      const wanted =
        command.preview || reread !== null
          ? records
          : records.filter(({ offset }) => state.timesOf(topic.name, offset) < mostTimes);
      const received = wanted.filter((record): record is Received => !isUnreadable(record));
      const unreadable = wanted.filter(isUnreadable);
      await guard.update();
      const report = nothingReworked();
      await life.transact((draft) => {
        if (command.preview) dryRun(life, received, span.index, report);
        else {
          const out = reworkEmitter(draft.out, span.index, guard, report);
          if (reread === null) {
            for (const found of unreadable) draft.unreadable(found);
            life.handle(received, out);
            for (const { offset } of wanted) state.raise(topic.name, offset);
          } else rereadRecords(life.task, received, out, reread);
        }
        if (unreadable.length > 0) report.outcomes.set('UNDECODABLE', unreadable.length);
        state.put(after(progress, batch, wanted.length, report));
      });
      if (!command.preview && reread === null) life.reworked(wanted.length);
      metrics.reworked('done', wanted.length);
      metrics.reworked('refused', records.length - wanted.length);
      metrics.reworked('missing', batch.missing);
      return state.progress(command.rework_id);
    },
  };
}
