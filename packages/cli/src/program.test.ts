import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EventTrace } from '@waybill/ledger';
import { resolveSecret } from '@waybill/runtime';
import { runProgram } from './program.ts';
import type { WhyEvent } from './why-answer.ts';

const testdata = new URL('../testdata/', import.meta.url);
const tenants = new URL('../../../deploy/tenants/', import.meta.url).pathname;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly requests: readonly Request[];
}

// The answer is what the ledger's types say plus what the console adds; this compiles or drifts.
type Shown = Omit<WhyEvent, 'ids' | 'erp' | 'verdict'>;
const shownOf = (trace: EventTrace): Shown => trace;
void shownOf;

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

/** Runs the command against a service at `<url>` that gives `answers` by method and path. */
async function waybill(
  args: readonly string[],
  answers: Readonly<Record<string, Answer>> = {},
  terminal: { readonly colour?: boolean; readonly env?: Record<string, string> } = {},
): Promise<Result> {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [path = '', query] = (request.url ?? '').split('?');
      const text = Buffer.concat(chunks).toString();
      const method = request.method ?? '';
      const full = query === undefined ? path : `${path}?${query}`;
      requests.push({ method, path: full, body: text === '' ? null : JSON.parse(text) });
      const answer = answers[`${method} ${path}`];
      response.writeHead(answer === undefined ? 404 : (answer.status ?? 200));
      response.end(JSON.stringify(answer?.body ?? { code: 'NOT_FOUND' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const lines: { out: string[]; err: string[] } = { out: [], err: [] };
  try {
    const code = await runProgram(
      args.map((arg) => arg.replace('<url>', url)),
      {
        out: (line) => lines.out.push(line),
        err: (line) => lines.err.push(line),
        colour: terminal.colour ?? false,
        env: { USER: 'ann', ...terminal.env },
      },
    );
    return { code, out: lines.out.join('\n'), err: lines.err.join('\n'), requests };
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

function json(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, testdata), 'utf8'));
}

/** Compares with a golden file; UPDATE_GOLDEN=1 writes it instead, to be reviewed as a diff. */
function golden(name: string, text: string): void {
  const file = new URL(name, testdata);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, `${text}\n`);
  assert.equal(`${text}\n`, readFileSync(file, 'utf8'));
}

test('why shows the chain from the API call and message window to the ERP row', async () => {
  const { code, out, requests } = await waybill(
    ['why', '5f0c2a9e', '--tenant', 'hudson-waste', '--console', '<url>'],
    { 'GET /why': { body: json('why-trip.json') } },
  );
  assert.equal(code, 0);
  assert.equal(requests[0]?.path, '/why?trip=5f0c2a9e&tenant=hudson-waste');
  golden('why-trip.txt', out);
});

test('why says what is known when nothing stands for the question, and exits 1', async () => {
  const { code, out } = await waybill(
    ['why', 'wialon:8012@2015-12-10T02:00:00Z', '--console', '<url>'],
    {
      'GET /why': { body: json('why-missing.json') },
    },
  );
  assert.equal(code, 1);
  golden('why-missing.txt', out);
});

test('why --json prints the answer as one line of JSON', async () => {
  const { out } = await waybill(['why', 'T-1', '--json', '--console', '<url>'], {
    'GET /why': { body: json('why-trip.json') },
  });
  assert.deepEqual(JSON.parse(out), json('why-trip.json'));
  assert.ok(!out.includes('\n'));
});

test('colours appear on terminals only', async () => {
  const ask = (colour: boolean): Promise<Result> =>
    waybill(
      ['why', 'T-1', '--console', '<url>'],
      { 'GET /why': { body: json('why-trip.json') } },
      { colour },
    );
  assert.ok((await ask(true)).out.includes('\u001B['));
  assert.ok(!(await ask(false)).out.includes('\u001B['));
});

test('report shows one block per tenant', async () => {
  const { code, out } = await waybill(['report', '--reconciler', '<url>'], {
    'GET /report': { body: json('report.json') },
  });
  assert.equal(code, 0);
  golden('report.txt', out);
});

test('report --compare compares first', async () => {
  const { requests } = await waybill(
    ['report', '--compare', '--tenant', 'bay-cabs', '--reconciler', '<url>'],
    {
      'POST /reconcile': { body: {} },
      'GET /report': { body: json('report.json') },
    },
  );
  assert.deepEqual(requests, [
    { method: 'POST', path: '/reconcile', body: { tenant: 'bay-cabs' } },
    { method: 'GET', path: '/report?tenant=bay-cabs', body: null },
  ]);
});

test('report --hours shows how complete each hour is', async () => {
  const { code, out, requests } = await waybill(
    ['report', '--hours', '3', '--tenant', 'bay-cabs', '--reconciler', '<url>'],
    { 'GET /completeness': { body: json('hours.json') } },
  );
  assert.equal(code, 0);
  assert.equal(requests[0]?.path, '/completeness?tenant=bay-cabs&hours=3');
  golden('hours.txt', out);
});

test('tenant apply checks the folder and sends model and id map', async () => {
  const { code, out, requests } = await waybill(
    ['tenant', 'apply', `${tenants}bay-cabs`, '--console', '<url>'],
    {
      'POST /tenants/bay-cabs/apply': {
        body: { version: 3, changed: true, ids: { added: 9, kept: 0 } },
      },
    },
  );
  assert.equal(code, 0);
  assert.equal(out, 'bay-cabs is applied as version 3; ids: 9 added, 0 kept');
  const body = requests[0]?.body as { model: { tenant_id: string }; idmap: unknown[]; by: string };
  assert.deepEqual([body.model.tenant_id, body.idmap.length, body.by], ['bay-cabs', 9, 'ann']);
});

test('map keeps the former truck for the time before a tracker moved', async () => {
  const interval = (
    erp_id: string,
    valid_from: string | null,
    valid_to: string | null,
  ): object => ({
    erp_id,
    valid_from,
    valid_to,
  });
  const id = { entity: 'vehicle', telematics_id: 'wialon:8002', version: 2, deleted: false };
  const move = '2015-12-10T15:00:00.000Z';
  const now = [interval('TRK-S-9', null, move), interval('TRK-SPARE-1', move, null)];
  const { code, out, requests } = await waybill(
    [
      'map',
      'hudson-waste',
      'vehicle',
      'wialon:8002',
      'TRK-SPARE-1',
      '--from',
      '2015-12-10T15:00:00Z',
      '--console',
      '<url>',
    ],
    {
      'GET /mappings': {
        body: { mappings: [{ ...id, intervals: [interval('TRK-S-9', null, null)] }] },
      },
      'POST /mappings': { body: { ...id, version: 3, intervals: now } },
    },
  );
  assert.equal(code, 0);
  assert.equal(
    out,
    `vehicle wialon:8002 → TRK-S-9 to ${move}, TRK-SPARE-1 from ${move} (version 3)`,
  );
  assert.deepEqual(requests[1]?.body, {
    tenant: 'hudson-waste',
    entity: 'vehicle',
    telematics_id: 'wialon:8002',
    intervals: now,
    by: 'ann',
  });
});

test('tenant check accepts the shipped tenants', async () => {
  for (const tenant of ['bay-cabs', 'hudson-waste']) {
    const { code, out } = await waybill(['tenant', 'check', `${tenants}${tenant}`]);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^${tenant} is valid: `));
  }
});

test('tenant plan prints the derived calls and their share of the limits', async () => {
  const { code, out } = await waybill(['tenant', 'plan', `${tenants}bay-cabs`]);
  assert.equal(code, 0);
  assert.match(out, /^bay-cabs\/wialon \(account bay-cabs\)$/m);
  assert.match(out, /avl_evts +1,920\/h .*trip, site_visit/);
  assert.match(out, /resource\/get_zone_data +12\/h .*site_visit/);
  assert.match(out, /polls per 10 s and session +5 of 10 +50 %/);
  assert.match(out, /fits/);
});

test('tenant plan refuses what takes more than half of a limit, and says which', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'plan-'));
  cpSync(`${tenants}bay-cabs`, dir, { recursive: true });
  const file = join(dir, 'tenant.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('poll_interval_ms: 2000', 'poll_interval_ms: 1000'));
  const { code, out } = await waybill(['tenant', 'plan', dir]);
  assert.equal(code, 78);
  assert.match(out, /refused: polls per 10 s and session: 10 of 10 \(100 %\), at most 50 %/);
  assert.doesNotMatch(out, /fits/);
  rmSync(dir, { recursive: true });
});

test('secret seal writes a file that the sealed store opens', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'seal-'));
  const [plain, key, out] = ['plain', 'key', 'out'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(plain, '{"acme":{"token":"geheim"}}');
  writeFileSync(key, 'k'.repeat(32));
  const seal = ['secret', 'seal', '--in', plain, '--out', out, '--key', key];
  const sealed = await waybill(seal);
  assert.equal(sealed.code, 0);
  assert.match(sealed.out, /^1 secrets are sealed/);
  const stores = { sealedFile: out, sealedKeyFile: key };
  assert.equal(await resolveSecret('secret://sealed/acme#token', stores), 'geheim');
  writeFileSync(plain, '{"acme":"geheim"}');
  const refused = await waybill(seal);
  assert.equal(refused.code, 78);
  assert.doesNotMatch(refused.err, /geheim/);
  rmSync(dir, { recursive: true });
});

const REWORK = '0b7e11c4'.repeat(4);

test('rework orders what was chosen and says how to follow it', async () => {
  const { code, out, requests } = await waybill(
    [
      ...['rework', 'transformer', '--address', 'wialon.page.raw.v1/0/4711/3'],
      ...['--address', 'wialon.page.raw.v1/1/9', '--preview', '--rate', '50', '--console', '<url>'],
    ],
    { 'POST /rework': { body: { rework_id: REWORK } } },
  );
  assert.equal(code, 0);
  assert.match(out, new RegExp(`^preview ${REWORK} of transformer is ordered\n.*rework status`));
  const topic = 'wialon.page.raw.v1';
  assert.deepEqual(requests[0]?.body, {
    service: 'transformer',
    addresses: [
      { topic, partition: 0, offset: 4711, index: 3 },
      { topic, partition: 1, offset: 9, index: -1 },
    ],
    from: null,
    to: null,
    preview: true,
    rate: 50,
    by: 'ann',
  });
});

test('rework takes a range of times or offsets', async () => {
  const { requests } = await waybill(
    [
      ...[
        'rework',
        'detector',
        '--key',
        'bay-cabs/wialon:7001',
        '--from',
        '2026-01-31T01:00:00+01:00',
      ],
      ...['--offsets', 'fleet.position.event.v1/2/10/20', '--json', '--console', '<url>'],
    ],
    { 'POST /rework': { body: { rework_id: REWORK } } },
  );
  assert.deepEqual(requests[0]?.body, {
    ...{
      service: 'detector',
      key: 'bay-cabs/wialon:7001',
      from: '2026-01-31T00:00:00.000Z',
      to: null,
    },
    ...{ topic: 'fleet.position.event.v1', partition: 2, from_offset: 10, to_offset: 20 },
    ...{ preview: false, by: 'ann' },
  });
});

const rework = {
  ...{ rework_id: REWORK, service: 'transformer', preview: true, status: 'DONE' },
  ...{ tasks: 4, tasks_ended: 4, records_done: 12, records_refused: 2, records_missing: 1 },
  elements_superseded: 3,
  outcomes: [
    { outcome: 'fleet.position.event.v1', count: 1200 },
    { outcome: 'POSITION_INVALID', count: 1 },
  ],
  findings: [
    {
      ...{ offset: 4711, outcome: 'POSITION_INVALID', id: 'a'.repeat(32) },
      ...{ comparison: 'REJECTED', changes: [], changes_left_out: 0 },
    },
    {
      ...{ offset: 4712, outcome: 'fleet.position.event.v1', id: 'b'.repeat(32) },
      comparison: 'CHANGED',
      changes: [
        { field: 'speed_kmh', before: '81', after: '50.3' },
        { field: 'driver_code', before: null, after: '"7"' },
      ],
      changes_left_out: 3,
    },
  ],
  compared: { elements_new: 1, elements_changed: 4, elements_same: 1195, elements_unknown: 0 },
  reasons: ['records were reworked 5 times already'],
  ...{ requested_by: 'ann', requested_time: 1_760_000_000_000, cancelled_by: null },
};

test('rework status shows counts, reasons and what a preview found', async () => {
  const { code, out, requests } = await waybill(
    ['rework', 'status', REWORK, '--console', '<url>'],
    { 'GET /rework': { body: rework } },
  );
  assert.equal(code, 0);
  assert.equal(requests[0]?.path, `/rework?id=${REWORK}`);
  golden('rework.txt', out);
});

test('rework cancel asks the console, and a failed rework exits 1', async () => {
  const answers = { body: { ...rework, status: 'FAILED', cancelled_by: 'ann' } };
  const cancelled = await waybill(['rework', 'cancel', REWORK, '--console', '<url>'], {
    'POST /rework/cancel': answers,
  });
  assert.deepEqual(cancelled.requests[0]?.body, { rework_id: REWORK, by: 'ann' });
  assert.match(cancelled.out, /cancelled by ann/);
  const failed = await waybill(['rework', 'status', REWORK, '--json', '--console', '<url>'], {
    'GET /rework': answers,
  });
  assert.equal(failed.code, 1);
  assert.deepEqual(JSON.parse(failed.out), answers.body);
});

const failures: readonly [
  string,
  readonly string[],
  Readonly<Record<string, Answer>>,
  number,
  RegExp,
][] = [
  [
    'a folder that is not valid',
    ['tenant', 'check', '/nowhere'],
    {},
    78,
    /^waybill: TENANT_INVALID: .*\n {2}tenant\.yaml: the file is missing/,
  ],
  [
    'a service that is not there',
    ['report', '--reconciler', 'http://127.0.0.1:1'],
    {},
    1,
    /^waybill: http:\/\/127\.0\.0\.1:1 does not answer; .* \[SERVICE_UNREACHABLE\]$/,
  ],
  [
    'an address that is none',
    ['report', '--reconciler', 'localhost'],
    {},
    78,
    /found localhost \[ADDRESS_INVALID\]/,
  ],
  [
    'another service at the address',
    ['report', '--reconciler', '<url>'],
    {},
    1,
    /answered 404; is it the address of the right service\?/,
  ],
  [
    'a refusal of the service',
    ['map', 'nobody', 'vehicle', 'wialon:1', 'X', '--console', '<url>'],
    {
      'GET /mappings': { body: { mappings: [] } },
      'POST /mappings': {
        status: 422,
        body: { kind: 'refused', code: 'TENANT_UNKNOWN', message: 'no tenant nobody is applied' },
      },
    },
    1,
    /^waybill: no tenant nobody is applied \[TENANT_UNKNOWN\]$/,
  ],
  [
    'an instant without offset',
    ['map', 'a', 'vehicle', 'b', 'c', '--from', '2015-12-10'],
    {},
    1,
    /expected --from with an offset/,
  ],
  ['a command that does not exist', ['whi'], {}, 2, /unknown command 'whi'[^]*run waybill --help/],
  [
    'an option that does not exist',
    ['why', 'x', '--tenent', 'y'],
    {},
    2,
    /unknown option '--tenent'[^]*run waybill why --help/,
  ],
  ['a missing argument', ['map', 'a'], {}, 2, /missing required argument 'entity'/],
  [
    'a partition count that is no number',
    ['topics', 'apply', '--task-partitions', 'x'],
    {},
    2,
    /expected a whole number from 1 to 10000/,
  ],
  [
    'a dead letter that is no id',
    ['rework', 'transformer', '--dead-letter', '5f0c'],
    {},
    2,
    /expected an id of 32 hex digits/,
  ],
  [
    'an address without offset',
    ['rework', 'transformer', '--address', 'wialon.page.raw.v1/0'],
    {},
    2,
    /expected topic\/partition\/offset/,
  ],
  ['hours without tenant', ['report', '--hours', '3'], {}, 2, /--hours needs --tenant/],
  ['a comparison without tenant', ['report', '--compare'], {}, 2, /--compare needs --tenant/],
];
for (const [title, args, answers, code, message] of failures) {
  test(`${title} gives exit code ${code} and one clear text on stderr`, async () => {
    const result = await waybill(args, answers);
    assert.equal(result.code, code);
    assert.match(result.err, message);
    assert.equal(result.out, '');
  });
}

test('every command explains itself with an example', async () => {
  for (const command of [
    [],
    ['why'],
    ['report'],
    ['map'],
    ['rework'],
    ['rework', 'status'],
    ['rework', 'cancel'],
    ['tenant', 'check'],
    ['tenant', 'apply'],
    ['topics', 'apply'],
  ]) {
    const { code, out } = await waybill([...command, '--help']);
    assert.equal(code, 0);
    assert.match(out, /Examples?:\n {2}waybill /, command.join(' '));
  }
});

const proposal = {
  ...{ tenant_id: 'hudson-waste', unit: 'wialon:8002', business_date: '2015-12-09' },
  ...{ proposal_id: REWORK, status: 'PENDING', reason: null, late_fixes: 12, fixes: 1_440 },
  changes: [{ entity_id: 'b'.repeat(32), detail: 'trip inserted: 04:10 to 04:50, 12.3 km' }],
  decided_by: null,
};

test('detect recompute orders a business day or a range of a unit', async () => {
  const answers = { 'POST /recompute': { body: { rework_id: REWORK, way: 'provider' } } };
  const args = ['detect', 'recompute', 'hudson-waste/wialon:8002'];
  const day = await waybill([...args, '2015-12-09', '--by', 'ann', '--console', '<url>'], answers);
  const about = { tenant: 'hudson-waste', unit: 'wialon:8002', by: 'ann' };
  assert.deepEqual(day.requests[0]?.body, { ...about, day: '2015-12-09', preview: false });
  assert.match(day.out, new RegExp(`^recomputation ${REWORK} of .* is ordered`));
  const range = '2015-12-09T00:00:00Z/2015-12-09T06:00:00Z';
  const options = ['--preview', '--way', 'raw', '--by', 'ann', '--console', '<url>'];
  const preview = await waybill([...args, range, ...options], answers);
  assert.deepEqual(preview.requests[0]?.body, {
    ...about,
    ...{ from: '2015-12-09T00:00:00.000Z', to: '2015-12-09T06:00:00.000Z' },
    ...{ way: 'raw', preview: true },
  });
});

test('detect proposals lists what awaits a verdict; accept and reject give one', async () => {
  const listed = await waybill(
    [
      'detect',
      'proposals',
      'hudson-waste/wialon:8002',
      '--status',
      'pending',
      '--console',
      '<url>',
    ],
    { 'GET /proposals': { body: { proposals: [proposal] } } },
  );
  assert.equal(
    listed.requests[0]?.path,
    '/proposals?tenant=hudson-waste&unit=wialon%3A8002&status=pending',
  );
  assert.equal(
    listed.out,
    [
      `${REWORK} PENDING: hudson-waste/wialon:8002 on 2015-12-09`,
      '  12 late positions, from 1440 positions',
      '  trip inserted: 04:10 to 04:50, 12.3 km (bbbbbbbb)',
    ].join('\n'),
  );
  const preview = { ...proposal, status: 'PREVIEW', changes: [] };
  const shown = await waybill(['detect', 'proposals', '--console', '<url>'], {
    'GET /proposals': { body: { proposals: [preview] } },
  });
  assert.match(shown.out, /1440 positions\n {2}nothing differs from what was published$/);
  for (const verdict of ['accept', 'reject']) {
    const judged = await waybill(
      ['detect', verdict, REWORK.slice(0, 8), '--by', 'ann', '--console', '<url>'],
      { 'POST /proposals/verdict': { body: proposal } },
    );
    const asked = { proposal_id: REWORK.slice(0, 8), verdict, by: 'ann' };
    assert.deepEqual(judged.requests[0]?.body, asked);
  }
});

const NOON = '2026-01-01T12:00:00Z';
const wrongDetect: readonly [string, readonly string[]][] = [
  ['a unit without tenant', ['recompute', 'wialon:8002', '2015-12-09']],
  ['a range that is none', ['recompute', 'a/wialon:8002', 'yesterday']],
  ['a day that is none', ['recompute', 'a/wialon:8002', '2026-02-30']],
  ['a range of days', ['recompute', 'a/wialon:8002', '2026-01-01/2026-01-02']],
  ['an end before the start', ['recompute', 'a/wialon:8002', `${NOON}/2026-01-01T00:00:00Z`]],
  ['three instants', ['recompute', 'a/wialon:8002', `2026-01-01T00:00:00Z/${NOON}/${NOON}`]],
  ['a status that is none', ['proposals', '--status', 'late']],
];
for (const [what, args] of wrongDetect) {
  test(`detect with ${what} is wrong usage`, async () => {
    const { code, err, requests } = await waybill(['detect', ...args]);
    assert.deepEqual([code, requests], [2, []]);
    assert.match(err, /expected|Allowed/);
  });
}
