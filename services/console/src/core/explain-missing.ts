/** What is known around an instant of a unit that no event covers; instants in ms since epoch. */
export interface MissingFacts {
  readonly at: number;
  readonly fixes: number;
  readonly previous_end_time: number | null;
  readonly complete_to_time: number | null;
  readonly tasks: readonly {
    readonly kind: string;
    readonly status: string;
    readonly business_date: string;
    readonly fix_count: number;
    readonly detail: string;
  }[];
  readonly deadLetters: readonly {
    readonly service: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** A trip is closed when the sources are read this far beyond its end. */
  readonly silenceMs: number;
}

export type MissingReason =
  | 'nothing_read'
  | 'not_read_yet'
  | 'beyond_grace'
  | 'dead_lettered'
  | 'no_positions'
  | 'not_closed_yet'
  | 'no_movement';

/** Possible reasons, the most likely first. */
export function explainMissing(
  facts: MissingFacts,
): readonly { readonly reason: MissingReason; readonly text: string }[] {
  const { at, complete_to_time: complete, tasks, deadLetters, fixes, silenceMs } = facts;
  const found: { reason: MissingReason; text: string }[] = [];
  if (complete === null) {
    found.push({
      reason: 'nothing_read',
      text: 'nothing was read from the tenant’s sources so far',
    });
  } else if (complete < at) {
    found.push({ reason: 'not_read_yet', text: 'the sources are not read that far yet' });
  }
  for (const task of tasks.filter(
    ({ kind, status }) => kind === 'BEYOND_GRACE' && status === 'OPEN',
  )) {
    found.push({
      reason: 'beyond_grace',
      text: `${task.fix_count} fixes of ${task.business_date} came after the grace time and were not applied; an open task waits for a decision (${task.detail})`,
    });
  }
  for (const letter of deadLetters) {
    found.push({
      reason: 'dead_lettered',
      text: `${letter.service} refused a message near that time (${letter.code}: ${letter.message})`,
    });
  }
  if (complete !== null && complete >= at) {
    if (fixes === 0) {
      found.push({ reason: 'no_positions', text: 'the unit sent no position in that hour' });
    } else if (complete < at + silenceMs) {
      found.push({
        reason: 'not_closed_yet',
        text: 'a trip that runs then is not closed yet: it ends with a standstill or silence',
      });
    } else {
      found.push({
        reason: 'no_movement',
        text: `the unit sent ${fixes} positions in that hour, and they are no trip or visit by the tenant’s rules`,
      });
    }
  }
  return found;
}
