import { round } from '../measure.ts';

/** What a percentile of 50 ms cannot have much of. */
const LONG_S = '0.05';

interface Series {
  readonly labels: string;
  readonly value: number;
}

function seriesOf(text: string, name: string): readonly Series[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => ({ labels: line, value: Number(line.slice(line.lastIndexOf(' ') + 1)) }));
}

/** How many batches took longer than 50 ms for a step, since the process began. */
function longOnes(text: string, step: string): number {
  const of = (suffix: string, more: string): number =>
    seriesOf(text, `webhook_batch_step_seconds_${suffix}`)
      .filter(({ labels }) => labels.includes(`step="${step}"`) && labels.includes(more))
      .reduce((sum, { value }) => sum + value, 0);
  return of('count', '') - of('bucket', `le="${LONG_S}"`);
}

/**
 * Where a door stalled between two looks at its metrics: batches that waited more than 50 ms for the claims'
 * statement, their commit or the brokers, and the longest time in which its thread turned to nothing.
 */
export function stallFigures(before: string, after: string): object {
  const steps = ['claim', 'commit', 'append'].map((step): [string, number] => [
    `${step}_over_50_ms`,
    longOnes(after, step) - longOnes(before, step),
  ]);
  // Counted anew after each look.
  const [lag] = seriesOf(after, 'nodejs_eventloop_lag_max_seconds');
  return { ...Object.fromEntries(steps), door_stall_ms: round((lag?.value ?? 0) * 1000) };
}
