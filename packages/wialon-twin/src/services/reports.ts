import { visibleItem } from '../core-services.ts';
import type { Item } from '../items.ts';
import { ApiError, errorCode, has, integer, object, type Params } from '../params.ts';
import { templates, type Cell, type Row, type Template } from '../reports/tables.ts';
import type { Call, Services } from '../service.ts';
import { tripDetectorOf } from '../equipment/settings.ts';
import { tracksOf } from '../trips.ts';

/** The result of the last report of a session: one at a time, as the provider keeps it. */
export interface Report {
  readonly unit: Item;
  readonly template: Template;
  readonly headers: readonly string[];
  readonly rows: readonly Row[];
  readonly messages: number;
  /** A remote run is ready once its status was asked; a local one at once. */
  readonly status: 'running' | 'ready' | 'applied';
}

const STATUS = { running: '2', ready: '4', applied: '4' } as const;

const plainText = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.t);

function rowJson({ i1, i2, t1, t2, c }: Row, n: number): unknown {
  return { n, i1, i2, t1, t2, d: 0, c };
}

/** Total of a column: the sum where it has numbers that add up. */
function total(report: Report): { texts: string[]; raw: unknown[] } {
  const adds = new Set(['duration', 'duration_in', 'mileage', 'filled']);
  const cells = report.template.columns.map(({ type }, column) => {
    if (!adds.has(type)) return undefined;
    const values = report.rows.map(({ c }) => c[column]);
    const sum = values.reduce((whole, cell) => whole + (typeof cell === 'object' ? cell.v : 0), 0);
    const first = values.find((cell) => typeof cell === 'object');
    return { v: sum, vt: typeof first === 'object' ? first.vt : 0 };
  });
  return {
    texts: cells.map((cell, column) =>
      cell === undefined ? (column === 0 ? 'Total' : '-----') : String(cell.v),
    ),
    raw: cells.map((cell) => cell ?? { v: 0, vt: 0 }),
  };
}

function resultJson(report: Report): string {
  const { template, headers, rows, messages, unit } = report;
  const totals = total(report);
  const table = {
    name: template.table,
    label: template.name,
    grouping: {},
    flags: 0,
    rows: rows.length,
    level: 1,
    columns: headers.length,
    header: headers,
    header_type: template.columns.map(({ type }) => type),
    total: totals.texts,
    totalRaw: totals.raw,
  };
  return JSON.stringify({
    reportResult: {
      msgsRendered: messages,
      stats: [['Unit', unit.name]],
      tables: rows.length === 0 ? [] : [table],
      attachments: [],
    },
    reportLayer: { name: '', bounds: [] },
    layerCount: 0,
  });
}

const DAY_S = 86_400;

/** Bounds of the interval; flags 0 absolute, 1 from then to now, 2 the previous `from` days. */
function bounds(interval: Params, now: number): { from: number; to: number } {
  const [from, to] = [integer(interval, 'from'), integer(interval, 'to')];
  const flags = integer(interval, 'flags');
  if (flags === 1) return { from, to: now };
  if (flags === 2) {
    const today = Math.floor(now / DAY_S) * DAY_S;
    return { from: today - from * DAY_S, to: today - 1 };
  }
  if (flags !== 0 || to < from) throw new ApiError(errorCode.invalidInput);
  return { from, to };
}

function templateOf(params: Params): Template {
  const id = integer(params, 'reportTemplateId');
  const adHoc = id === 0 && has(params, 'reportTemplate') ? object(params['reportTemplate']) : {};
  const wanted = Array.isArray(adHoc['tbl']) ? object(adHoc['tbl'][0])['n'] : undefined;
  const template = templates.find(
    (one) => one.id === id || (wanted !== undefined && one.table === wanted),
  );
  if (template === undefined) throw new ApiError(errorCode.invalidInput);
  return template;
}

function execute(call: Call): string {
  const { params, session, account, now } = call;
  const resource = visibleItem(call, 'reportResourceId');
  const unit = visibleItem(call, 'reportObjectId');
  if (resource.type !== 'avl_resource' || unit.type !== 'avl_unit') {
    throw new ApiError(errorCode.accessDenied);
  }
  const template = templateOf(params);
  call.spend('report_runs', 1);
  const { from, to } = bounds(object(params['interval']), now);
  const tracks = tracksOf(session.store, session.store.interval(unit.id, from, to, now));
  const rows = template.rows({
    unitName: unit.name,
    tracks,
    detector: tripDetectorOf(unit.id),
    sensors: account.equipment.sensors(unit.id),
    zones: account.zones,
  });
  const headers = template.columns.map(({ name }) =>
    account.equipment.columnName(template.name, name),
  );
  const isRemote = integer(params, 'remoteExec') === 1;
  const status = isRemote ? 'running' : 'applied';
  session.report = { unit, template, headers, rows, messages: tracks.length, status };
  return isRemote ? '{"remoteExec":1}' : resultJson(session.report);
}

function present({ session }: Call): Report {
  if (session.report === undefined) throw new ApiError(errorCode.performing);
  return session.report;
}

function status(call: Call): string {
  const report = present(call);
  if (report.status === 'running') call.session.report = { ...report, status: 'ready' };
  return JSON.stringify({ status: STATUS[report.status] });
}

function apply(call: Call): string {
  const report = present(call);
  if (report.status === 'running') throw new ApiError(errorCode.unknown);
  call.session.report = { ...report, status: 'applied' };
  return resultJson(report);
}

function applied(call: Call): Report {
  const report = present(call);
  if (report.status !== 'applied') throw new ApiError(errorCode.performing);
  if (integer(call.params, 'tableIndex') !== 0) throw new ApiError(errorCode.invalidInput);
  return report;
}

const slice = (report: Report, from: number, to: number): unknown[] =>
  report.rows.slice(from, to + 1).map((row, index) => rowJson(row, from + index));

function resultRows(call: Call): string {
  const { params } = call;
  const [from, to] = [integer(params, 'indexFrom'), integer(params, 'indexTo')];
  return JSON.stringify(slice(applied(call), from, to));
}

function selectRows(call: Call): string {
  const report = applied(call);
  const config = object(call.params['config']);
  const data = object(config['data']);
  if (config['type'] !== 'range') {
    const wanted: readonly unknown[] = Array.isArray(data['rows']) ? data['rows'] : [];
    return JSON.stringify(wanted.flatMap((n) => slice(report, Number(n), Number(n))));
  }
  const rows = slice(report, integer(data, 'from'), integer(data, 'to'));
  return JSON.stringify(rows);
}

function cleanUp({ session }: Call): string {
  session.report = undefined;
  return '{"error":0}';
}

const CSV = 32;

/** Text of the result as CSV; the other formats of the provider are not made. */
function exportResult(call: Call): string {
  const report = applied(call);
  if (integer(call.params, 'format') !== CSV) throw new ApiError(errorCode.invalidInput);
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const lines = [report.headers, ...report.rows.map(({ c }) => c.map(plainText))];
  return lines.map((cells) => cells.map(quoted).join(',')).join('\r\n');
}

const exclusive = { heavy: true, sharesLoader: true } as const;

/** report/*: one result per session. */
export const reportServices: Services = {
  'report/exec_report': { ...exclusive, run: execute },
  'report/get_report_status': { run: status },
  'report/apply_report_result': { run: apply },
  'report/get_result_rows': { run: resultRows },
  'report/get_result_subrows': { run: () => '[]' },
  'report/select_result_rows': { run: selectRows },
  'report/export_result': { ...exclusive, run: exportResult },
  'report/cleanup_result': { run: cleanUp },
  'report/abort_report': { run: cleanUp },
  'report/get_report_data': {
    run: (call) => {
      visibleItem(call, 'itemId');
      const wanted = Array.isArray(call.params['col']) ? call.params['col'] : undefined;
      const found = templates.filter(({ id }) => wanted === undefined || wanted.includes(id));
      return JSON.stringify(
        found.map(({ id, name, table, columns }) => ({
          id,
          n: name,
          ct: 'avl_unit',
          p: '',
          tbl: [
            {
              n: table,
              l: name,
              f: 0,
              c: columns.map(({ type }) => type).join(','),
              cl: columns
                .map((column) => call.account.equipment.columnName(name, column.name))
                .join(','),
              p: '',
            },
          ],
        })),
      );
    },
  },
  'render/set_locale': { run: () => '{}' },
};
