import type { ExplainedFix, Explanation, Use } from './explain.ts';

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [1100, 420, 90, 40, 60];

/** Colours that differ in lightness too, so that they can be told apart in print. */
const colours: Readonly<Record<Use, string>> = {
  used: '#1b6ca8',
  left_out: '#d1495b',
  no_position: '#9aa5b1',
  private: '#6b5b95',
  skipped: '#e8a33d',
  beyond_grace: '#111111',
  refused: '#7f1d1d',
};

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** Time to pixels; one instant stands in the middle. */
function scale(from: number, to: number, start: number, length: number): (ms: number) => number {
  const span = to - from;
  return (ms) =>
    Math.round((start + (span === 0 ? length / 2 : ((ms - from) / span) * length)) * 10) / 10;
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(5, 19).replace('T', ' ');
}

function dot(fix: ExplainedFix, x: (ms: number) => number, y: (ms: number) => number): string {
  const { use, moving, time, arrived, late_by_s: late, reason, zones } = fix;
  const title = [
    `${time}, arrived ${arrived} (${late} s late)`,
    use + (reason === null ? '' : `: ${reason}`),
    moving === null ? '' : moving ? 'moving' : 'standing',
    zones.join(', '),
  ];
  const [cx, cy] = [x(Date.parse(time)), y(Date.parse(arrived))];
  return `<circle cx="${cx}" cy="${cy}" r="${moving === true ? 3 : 2}" fill="${colours[use]}"><title>${escaped(title.filter((line) => line !== '').join('\n'))}</title></circle>`;
}

function axes(
  [xFrom, xTo]: readonly [number, number],
  [yFrom, yTo]: readonly [number, number],
): string {
  const x = scale(xFrom, xTo, LEFT, WIDTH - LEFT - 20);
  const y = scale(yFrom, yTo, HEIGHT - BOTTOM, -(HEIGHT - BOTTOM - TOP));
  let lines = '';
  for (let i = 0; i <= 4; i += 1) {
    const [xAt, yAt] = [xFrom + ((xTo - xFrom) * i) / 4, yFrom + ((yTo - yFrom) * i) / 4];
    lines += `<text x="${x(xAt)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${clock(xAt)}</text>`;
    lines += `<text x="${LEFT - 6}" y="${y(yAt) + 4}" text-anchor="end">${clock(yAt)}</text>`;
  }
  return lines;
}

/**
 * Event time against arrival time as one HTML page without anything from elsewhere: what came in order lies
 * on a line, what came late above it. Trips are bands. It holds no coordinates.
 */
export function pictureOf(explanation: Explanation): string {
  const { fixes, runs, unit, tenant_id: tenant, from, to } = explanation;
  const times = [Date.parse(from), Date.parse(to)] as const;
  const arrivals = fixes.map(({ arrived }) => Date.parse(arrived));
  const range = [
    arrivals.reduce((a, b) => Math.min(a, b), times[0]),
    arrivals.reduce((a, b) => Math.max(a, b), times[1]),
  ] as const;
  const x = scale(times[0], times[1], LEFT, WIDTH - LEFT - 20);
  const y = scale(range[0], range[1], HEIGHT - BOTTOM, -(HEIGHT - BOTTOM - TOP));
  const within = (ms: number): number => Math.min(times[1], Math.max(times[0], ms));
  const bands = runs.map((run) => {
    const [start, end] = [x(within(Date.parse(run.start))), x(within(Date.parse(run.end)))];
    const missed = run.thresholds.filter(({ met }) => !met).map(({ name }) => name);
    const title = run.is_trip ? 'trip' : `no trip: ${missed.join(', ')}`;
    return `<rect x="${start}" y="${TOP}" width="${Math.max(1, end - start)}" height="${HEIGHT - BOTTOM - TOP}" fill="${run.is_trip ? '#cfe8cf' : '#eeeeee'}"><title>${run.start} to ${run.end}: ${title}</title></rect>`;
  });
  const shown = new Set(fixes.map(({ use }) => use));
  const legend = [...shown].map(
    (use, i) =>
      `<circle cx="${LEFT + i * 130}" cy="${HEIGHT - 14}" r="4" fill="${colours[use]}"/><text x="${LEFT + i * 130 + 8}" y="${HEIGHT - 10}">${use}</text>`,
  );
  const title = `${tenant} ${unit}: event time (across) against arrival time (up)`;
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>`,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<text x="${LEFT}" y="20" font-size="14">${escaped(title)}</text>`,
    ...bands,
    axes(times, range),
    ...fixes.map((fix) => dot(fix, x, y)),
    ...legend,
    '</svg></html>',
    '',
  ].join('\n');
}
