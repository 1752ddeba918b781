import type { Backtest, TestedEvent } from './backtest.ts';
import type { ExplainedRun, Explanation } from './explain.ts';
import type { ParityRow, ParityTrip } from './parity.ts';

const MOST_LINES = 40;

function atMost(lines: readonly string[]): string[] {
  if (lines.length <= MOST_LINES) return [...lines];
  return [
    ...lines.slice(0, MOST_LINES),
    `  … and ${lines.length - MOST_LINES} more (--json shows all)`,
  ];
}

function runLine({
  start,
  end,
  is_trip: isTrip,
  thresholds,
  left_out: leftOut,
  settings,
}: ExplainedRun): string {
  const said = thresholds.map(
    ({ name, found, wanted, met }) => `${name} ${found} ${met ? '>=' : '<'} ${wanted}`,
  );
  const out = leftOut === 0 ? '' : `, ${leftOut} left out`;
  return `  ${start} to ${end}  ${isTrip ? 'trip' : 'no trip'}: ${said.join(', ')}${out} (settings of the ${settings})`;
}

/** The explanation as text. */
export function renderExplanation(explanation: Explanation): string[] {
  const { tenant_id: tenant, unit, from, to, fixes, runs, versions } = explanation;
  const counts = Map.groupBy(fixes, ({ use }) => use);
  const counted = [...counts].map(([use, list]) => `${list.length} ${use}`).join(', ');
  const unused = fixes.filter(({ use }) => use !== 'used');
  return [
    `${tenant} ${unit}, ${from} to ${to}, settings version ${explanation.rule_version}`,
    `Positions: ${fixes.length === 0 ? 'none' : counted}`,
    ...atMost(
      unused.map(
        (fix) =>
          `  ${fix.time} arrived ${fix.arrived}: ${fix.use}, ${fix.reason ?? ''} (${fix.raw})`,
      ),
    ),
    `Runs of movement: ${runs.length}`,
    ...runs.map(runLine),
    `Published: ${versions.length} versions`,
    ...atMost(
      versions.map((version) => {
        const by = version.replaced_by === null ? '' : `, replaced by ${version.replaced_by}`;
        const late = version.late_by_s === 0 ? '' : `, ${version.late_by_s} s late`;
        return `  ${version.entity} ${version.id} revision ${version.revision} ${version.change}: ${version.cause}${late}, ${version.finality}, ${version.from} to ${version.to ?? 'open'}${by}`;
      }),
    ),
  ];
}

function eventText({ unit, entity, place, start, end, distance_km: km }: TestedEvent): string {
  const where = place === null ? '' : ` ${place}`;
  return `${entity} ${unit}${where} ${start} to ${end ?? 'open'}${km === null ? '' : `, ${km} km`}`;
}

/** The result of a backtest as text. */
export function renderBacktest(result: Backtest): string[] {
  const { gained, lost, moved } = result;
  return [
    `${result.tenant_id}, ${result.units} units, with ${JSON.stringify(result.change)}: ${result.before} events become ${result.after}`,
    `Gained: ${gained.length}`,
    ...atMost(gained.map((event) => `  ${eventText(event)}`)),
    `Lost: ${lost.length}`,
    ...atMost(lost.map((event) => `  ${eventText(event)}`)),
    `Moved: ${moved.length}`,
    ...atMost(
      moved.map(({ before, after }) => `  ${eventText(before)} becomes ${eventText(after)}`),
    ),
  ];
}

function tripText(trip: ParityTrip | undefined): string {
  if (trip === undefined) return '–';
  const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 19);
  return `${iso(trip.start)} to ${iso(trip.end)} ${trip.distanceKm} km`;
}

/** The comparison with the provider as text. */
export function renderParity(rows: readonly ParityRow[]): string[] {
  const equal = rows.filter(({ isEqual }) => isEqual).length;
  const reasons = rows.flatMap((row) => row.reasons);
  const counts = [...Map.groupBy(reasons, (reason) => reason)].map(
    ([reason, list]) => `${reason} ${list.length}`,
  );
  return [
    `${rows.length} trips of either side, ${equal} equal (60 s, 1 %)`,
    ...(counts.length === 0 ? [] : [`Reasons: ${counts.join(', ')}`]),
    ...atMost(
      rows
        .filter(({ isEqual }) => !isEqual)
        .map(
          (row) =>
            `  ours ${tripText(row.ours)} | provider ${tripText(row.theirs)} | ${row.startS ?? '–'} s, ${row.endS ?? '–'} s, ${row.distancePercent ?? '–'} % | ${row.reasons.join(', ')}`,
        ),
    ),
  ];
}
