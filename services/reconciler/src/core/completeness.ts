import type { CompletenessAssessed } from '@waybill/contracts';

/** What is known of an hour, without the verdicts about it. */
export type KnownHour = Omit<CompletenessAssessed, 'idle' | 'final'> & {
  /** True when no position within grace can change the counts. */
  readonly final: boolean;
};

/** Whether idling was measurable among the units that were heard: without an engine signal it is not. */
function measurability(hour: KnownHour): CompletenessAssessed['idle'] {
  const { units_heard: heard, units_without_engine: without } = hour;
  if (without === null) return 'NOT_WANTED';
  if (heard === 0) return 'NO_UNIT_HEARD';
  if (without === 0) return 'MEASURED';
  return without < heard ? 'PARTLY_MEASURABLE' : 'NOT_MEASURABLE';
}

/** The verdict about an hour: what could be measured, and whether it can still change. */
export function assess(hour: KnownHour): CompletenessAssessed {
  return {
    ...hour,
    idle: measurability(hour),
    final: hour.final && hour.pending_proposals === 0,
  };
}

/** Several hours in one line of a report. */
export interface CompletenessSummary {
  readonly hours: number;
  readonly final_hours: number;
  readonly fixes: number;
  readonly late_fixes: number;
  readonly beyond_grace_fixes: number;
  /** Of the newest hour. */
  readonly units_heard: number;
  readonly units_silent: number;
  readonly pending_proposals: number;
  /** Messages in hours of which both numbers are known; null = of none. */
  readonly provider_messages: number | null;
  readonly extracted_messages: number | null;
  /** Of the newest hour in which a unit was heard. */
  readonly idle: CompletenessAssessed['idle'];
  readonly units_without_engine: number | null;
}

function total(
  hours: readonly CompletenessAssessed[],
  field: 'fixes' | 'late_fixes' | 'beyond_grace_fixes' | 'provider_messages' | 'extracted_messages',
): number {
  return hours.reduce((sum, hour) => sum + (hour[field] ?? 0), 0);
}

/** Sums hours, newest first; undefined = nothing is known, which is not zero. */
export function summaryOf(hours: readonly CompletenessAssessed[]): CompletenessSummary | undefined {
  const [newest] = hours;
  if (newest === undefined) return undefined;
  const compared = hours.filter(
    ({ provider_messages: held, extracted_messages: read }) => held !== null && read !== null,
  );
  const heard = hours.find(({ units_heard: units }) => units > 0) ?? newest;
  return {
    hours: hours.length,
    final_hours: hours.filter(({ final }) => final).length,
    fixes: total(hours, 'fixes'),
    late_fixes: total(hours, 'late_fixes'),
    beyond_grace_fixes: total(hours, 'beyond_grace_fixes'),
    units_heard: newest.units_heard,
    units_silent: newest.units_silent,
    pending_proposals: Math.max(...hours.map(({ pending_proposals: pending }) => pending)),
    provider_messages: compared.length === 0 ? null : total(compared, 'provider_messages'),
    extracted_messages: compared.length === 0 ? null : total(compared, 'extracted_messages'),
    idle: heard.idle,
    units_without_engine: heard.units_without_engine,
  };
}
