import { instant, table } from './format.ts';

/** What the console answers about a rework. */
export interface ReworkAnswer {
  readonly rework_id: string;
  readonly service: string;
  readonly preview: boolean;
  readonly status: string;
  readonly tasks_ended: number;
  readonly tasks: number | null;
  readonly records_done: number;
  readonly records_refused: number;
  readonly records_missing: number;
  readonly elements_superseded: number;
  readonly outcomes: readonly { readonly outcome: string; readonly count: number }[];
  readonly findings: readonly {
    readonly offset: number;
    readonly outcome: string;
    readonly id: string;
    readonly comparison: string;
    readonly changes: readonly {
      readonly field: string;
      readonly before: string | null;
      readonly after: string | null;
    }[];
    readonly changes_left_out: number;
  }[];
  readonly compared: {
    readonly elements_new: number;
    readonly elements_changed: number;
    readonly elements_same: number;
    readonly elements_unknown: number;
  } | null;
  readonly reasons: readonly string[];
  readonly requested_by: string;
  readonly requested_time: number;
  readonly cancelled_by: string | null;
}

function title(answer: ReworkAnswer): string {
  const { rework_id: id, service, preview, status, tasks, tasks_ended: ended } = answer;
  const share = tasks === null ? 'no task has taken it yet' : `${ended} of ${tasks} tasks ended`;
  return `${preview ? 'preview' : 'rework'} ${id} of ${service}: ${status} (${share})`;
}

function comparedRows({ compared }: ReworkAnswer): readonly [string, number][] {
  if (compared === null) return [];
  return [
    ['new: nothing was published under their id', compared.elements_new],
    ['changed against what was published', compared.elements_changed],
    ['the same as published', compared.elements_same],
    ['not compared', compared.elements_unknown],
  ];
}

/** One line per element, and one per field that differs. */
function findingLines({ findings }: ReworkAnswer): readonly string[] {
  const heads = table(
    findings.map(({ offset, outcome, comparison, id }) => [
      `offset ${offset}`,
      outcome,
      comparison.toLowerCase(),
      id,
    ]),
  );
  return findings.flatMap(({ changes, changes_left_out: more }, at) => [
    heads[at] ?? '',
    ...changes.map(
      ({ field, before, after }) => `  ${field}: ${before ?? 'absent'} → ${after ?? 'absent'}`,
    ),
    ...(more > 0 ? [`  and ${more} more fields`] : []),
  ]);
}

/** Lines about a rework: state, counts, reasons, and what a preview found. */
export function renderRework(answer: ReworkAnswer): readonly string[] {
  const { outcomes, findings, reasons, cancelled_by: by } = answer;
  const would = answer.preview ? 'would be ' : '';
  const counts = table([
    ['records done', answer.records_done],
    ['refused (reworked too often)', answer.records_refused],
    ['missing (not in the topic, or not handled yet)', answer.records_missing],
    ['left out (the topic holds a newer revision)', answer.elements_superseded],
    ...outcomes.map(({ outcome, count }): [string, number] => [`${would}made: ${outcome}`, count]),
    ...comparedRows(answer),
  ]);
  return [
    title(answer),
    `  ordered by ${answer.requested_by} ${instant(answer.requested_time)}`,
    ...(by === null ? [] : [`  cancelled by ${by}`]),
    ...counts.map((line) => `  ${line}`),
    ...reasons.map((reason) => `  reason: ${reason}`),
    ...(findings.length > 0 ? ['  first elements:'] : []),
    ...findingLines(answer).map((line) => `    ${line}`),
  ];
}
