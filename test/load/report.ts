import { readFileSync } from 'node:fs';
import { judgedTable, type JudgedLine } from './wialon/table.ts';

/** What the table reads of a line of the stream benchmark. */
export interface Line {
  readonly case?: string;
  /** Absent = ours. */
  readonly peer?: string;
  readonly note?: string;
  readonly machine?: string;
  /** A run that failed or was wrong. */
  readonly error?: string;
  readonly events_per_s?: number;
  readonly min_events_per_s?: number;
  readonly max_events_per_s?: number;
  readonly cpu_s_per_million?: number;
  readonly machine_cpu_s_per_million?: number;
  readonly broker_cpu_s_per_million?: number;
  readonly peak_rss_mib?: number;
  readonly rss_mb?: number;
  readonly p50_ms?: number;
  readonly p95_ms?: number;
  readonly p99_ms?: number;
}

const HEADER = [
  '| case | events/s (min – max) | CPU s per million: client / broker / machine | peak RSS MiB | p50 / p95 / p99 ms | ours : peer |',
  '|---|---|---|---|---|---|',
];

/** Figures that have a column of their own or say nothing in a table. */
const SHOWN = new Set([
  ...[
    'bench',
    'case',
    'peer',
    'note',
    'error',
    'machine',
    'runs',
    'events',
    'seconds',
    'events_per_s',
  ],
  ...['min_events_per_s', 'max_events_per_s', 'cpu_s_per_million', 'machine_cpu_s_per_million'],
  'broker_cpu_s_per_million',
  ...['peak_rss_mib', 'rss_mb', 'p50_ms', 'p95_ms', 'p99_ms'],
]);

const whole = (value: number | undefined): string =>
  value === undefined ? '–' : Math.round(value).toLocaleString('en-US');

function speedOf(line: Line): string {
  if (line.min_events_per_s === undefined) return whole(line.events_per_s);
  const { min_events_per_s: min, max_events_per_s: max } = line;
  return `${whole(line.events_per_s)} (${whole(min)} – ${whole(max)})`;
}

function rowOf(line: Line, ours: Line | undefined): string {
  const name = line.peer === undefined ? `\`${line.case}\`` : `– ${line.peer}`;
  const ratio =
    line.peer === undefined || !ours?.events_per_s || !line.events_per_s
      ? ''
      : `${(ours.events_per_s / line.events_per_s).toFixed(2)} ×`;
  const cpu = [
    line.cpu_s_per_million,
    line.broker_cpu_s_per_million,
    line.machine_cpu_s_per_million,
  ];
  const latency = [line.p50_ms, line.p95_ms, line.p99_ms];
  const cells = [
    [name, ...[line.note, line.error].flatMap((text) => (text ? [`(${text})`] : []))].join(' '),
    speedOf(line),
    cpu[0] === undefined ? '–' : cpu.map((s) => s?.toFixed(1) ?? '–').join(' / '),
    whole(line.peak_rss_mib ?? line.rss_mb),
    latency[0] === undefined ? '–' : latency.map((ms) => ms ?? '–').join(' / '),
    ratio,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Lines without a speed (idle), as a sentence each. */
function sentenceOf(line: Line): string {
  const figures = Object.entries(line).filter(([name]) => !SHOWN.has(name));
  return `\`${line.case}\`: ${figures.map(([name, value]) => `${name} ${String(value)}`).join(', ')}.`;
}

/** A Markdown table of the stream benchmark's lines: ours, and below each the peers of the same case. */
export function tableOf(lines: readonly Line[]): string {
  const names = [...new Set(lines.map((line) => line.case))];
  const withSpeed = lines.filter(
    (line) => line.events_per_s !== undefined || line.error !== undefined,
  );
  const rows = names.flatMap((name) => {
    const mine = withSpeed.filter((line) => line.case === name);
    const ours = mine.find((line) => line.peer === undefined);
    return mine.map((line) => rowOf(line, ours));
  });
  const rest = lines
    .filter((line) => line.peer === undefined)
    .flatMap((line) => {
      const more = Object.keys(line).some((name) => !SHOWN.has(name));
      return more ? ['', sentenceOf(line)] : [];
    });
  const machines = [...new Set(lines.flatMap(({ machine }) => machine ?? []))];
  return [...HEADER, ...rows, ...rest, '', `Machine: ${machines.join('; ')}.`].join('\n');
}

/** `npm run bench -- report results.jsonl`: the tables of the README from the lines of `stream` and `wialon`. */
export function report(files: readonly string[]): string {
  const lines = files
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Line & JudgedLine & { readonly bench?: string });
  const stream = lines.filter(({ bench }) => bench === 'stream');
  const wialon = lines.filter(({ bench }) => bench === 'wialon');
  return [
    ...(stream.length > 0 ? [tableOf(stream)] : []),
    ...(wialon.length > 0 ? [judgedTable(wialon)] : []),
  ].join('\n\n');
}
