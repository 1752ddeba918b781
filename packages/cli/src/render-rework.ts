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
  }[];
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
  ]);
  const found = table(findings.map(({ offset, outcome, id }) => [`offset ${offset}`, outcome, id]));
  return [
    title(answer),
    `  ordered by ${answer.requested_by} ${instant(answer.requested_time)}`,
    ...(by === null ? [] : [`  cancelled by ${by}`]),
    ...counts.map((line) => `  ${line}`),
    ...reasons.map((reason) => `  reason: ${reason}`),
    ...(found.length > 0 ? ['  first elements:', ...found.map((line) => `    ${line}`)] : []),
  ];
}
