import type {
  ReworkCompared,
  ReworkFinding,
  ReworkOutcome,
  ReworkProgressed,
  ReworkRequested,
} from '@waybill/contracts';

/** How far a rework is, over all tasks. */
export interface ReworkStatusShown {
  readonly rework_id: string;
  readonly service: string;
  readonly preview: boolean;
  /** WAITING: no task has taken it yet. */
  readonly status: 'WAITING' | 'RUNNING' | 'DONE' | 'CANCELLED' | 'FAILED';
  readonly tasks_ended: number;
  /** Null while none has reported. */
  readonly tasks: number | null;
  readonly records_done: number;
  readonly records_refused: number;
  readonly records_missing: number;
  readonly elements_superseded: number;
  readonly outcomes: readonly ReworkOutcome[];
  readonly findings: readonly ReworkFinding[];
  /** Of a preview: against what was published; null until a task has compared. */
  readonly compared: ReworkCompared | null;
  readonly reasons: readonly string[];
  readonly requested_by: string;
  /** ms since epoch. */
  readonly requested_time: number;
  readonly cancelled_by: string | null;
}

function statusOf(reports: readonly ReworkProgressed[]): ReworkStatusShown['status'] {
  const [first] = reports;
  if (first === undefined) return 'WAITING';
  const has = (status: string): boolean => reports.some((report) => report.status === status);
  if (reports.length < first.tasks || has('RUNNING')) return 'RUNNING';
  if (has('FAILED')) return 'FAILED';
  return has('CANCELLED') ? 'CANCELLED' : 'DONE';
}

function outcomesOf(reports: readonly ReworkProgressed[]): readonly ReworkOutcome[] {
  const counts = new Map<string, number>();
  for (const { outcome, count } of reports.flatMap((report) => report.outcomes)) {
    counts.set(outcome, (counts.get(outcome) ?? 0) + count);
  }
  return [...counts].map(([outcome, count]) => ({ outcome, count }));
}

function comparedOf(reports: readonly ReworkProgressed[]): ReworkCompared | null {
  const found = reports.flatMap(({ compared }) => compared ?? []);
  if (found.length === 0) return null;
  const sum = (pick: (compared: ReworkCompared) => number): number =>
    found.reduce((total, compared) => total + pick(compared), 0);
  return {
    elements_new: sum((compared) => compared.elements_new),
    elements_changed: sum((compared) => compared.elements_changed),
    elements_same: sum((compared) => compared.elements_same),
    elements_unknown: sum((compared) => compared.elements_unknown),
  };
}

/** Sums the reports of the tasks. */
export function reworkStatus(
  command: ReworkRequested,
  cancelledBy: string | null,
  reports: readonly ReworkProgressed[],
): ReworkStatusShown {
  const sum = (pick: (report: ReworkProgressed) => number): number =>
    reports.reduce((total, report) => total + pick(report), 0);
  const reasons = reports.flatMap(({ reason }) => (reason === null ? [] : [reason]));
  return {
    rework_id: command.rework_id,
    service: command.service,
    preview: command.preview,
    status: statusOf(reports),
    tasks_ended: reports.filter(({ status }) => status !== 'RUNNING').length,
    tasks: reports[0]?.tasks ?? null,
    records_done: sum((report) => report.records_done),
    records_refused: sum((report) => report.records_refused),
    records_missing: sum((report) => report.records_missing),
    elements_superseded: sum((report) => report.elements_superseded),
    outcomes: outcomesOf(reports),
    findings: reports.flatMap((report) => report.findings),
    compared: comparedOf(reports),
    reasons: [...new Set(reasons)],
    requested_by: command.requested_by,
    requested_time: command.requested_time,
    cancelled_by: cancelledBy,
  };
}
