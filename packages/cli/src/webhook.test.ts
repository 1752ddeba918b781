import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { dialectNames } from '@waybill/signatures';
import { runProgram } from './program.ts';

const SECRET = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'b3RoZXIgc2VjcmV0IG9mIGFub3RoZXIg';
const BODY = '{"event":"trip.status.changed","id":"evt_1","data":{"trip_id":"T-1"}}';

const dir = mkdtempSync(path.join(tmpdir(), 'waybill-webhook-'));
const file = (name: string): string => path.join(dir, name);

before(() => {
  writeFileSync(file('body.json'), BODY);
  writeFileSync(file('k1.txt'), `${SECRET}\n`);
  writeFileSync(file('k2.txt'), OTHER);
  writeFileSync(file('secrets.json'), JSON.stringify({ hook: SECRET }));
  mkdirSync(file('secrets'));
  writeFileSync(
    file('secrets/bay-cabs.json'),
    JSON.stringify({ webhook_k1: SECRET, tracker: OTHER }),
  );
  cpSync(new URL('../../../deploy/tenants/bay-cabs', import.meta.url), file('bay-cabs'), {
    recursive: true,
  });
});
after(() => rmSync(dir, { recursive: true }));

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function waybill(...args: readonly string[]): Promise<Result> {
  const lines: { out: string[]; err: string[] } = { out: [], err: [] };
  const code = await runProgram(['webhook', ...args], {
    out: (line) => lines.out.push(line),
    err: (line) => lines.err.push(line),
    colour: false,
    env: {},
  });
  const [out, err] = [lines.out.join('\n'), lines.err.join('\n')];
  for (const secret of [SECRET, OTHER])
    assert.ok(!`${out}${err}`.includes(secret), 'a secret is shown');
  return { code, out, err };
}

async function headersOf(...args: readonly string[]): Promise<Record<string, string>> {
  const { code, out } = await waybill('sign', file('body.json'), '--json', ...args);
  assert.equal(code, 0);
  return (JSON.parse(out) as { headers: Record<string, string> }).headers;
}

/** Saves a request as an HTTP message and gives its file. */
function save(headers: Readonly<Record<string, string>>, body: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = ['POST /webhooks/telematics HTTP/1.1', 'Host: ingest.example', ...lines];
  const name = file(`${createHash('sha256').update(`${head.join()}${body}`).digest('hex')}.http`);
  writeFileSync(name, `${head.join('\r\n')}\r\n\r\n${body}`);
  return name;
}

for (const dialect of dialectNames) {
  test(`what sign signs as ${dialect}, verify takes`, async () => {
    const how = ['--dialect', dialect, '--secret', file('k1.txt')];
    const saved = save(await headersOf(...how), BODY);
    const { code, out } = await waybill('verify', '--request', saved, ...how);
    assert.equal(code, 0, out);
    assert.match(out, /^valid: .*made with k1$/);
    const changed = save(await headersOf(...how), `${BODY} `);
    const refused = await waybill('verify', '--request', changed, ...how);
    assert.equal(refused.code, 1);
    assert.match(refused.out, /^refused: signature_wrong/);
  });
}

test('sign prints header lines, or a curl command that can be pasted', async () => {
  const how = ['sign', file('body.json'), '--secret', file('k1.txt'), '--t', '1698570000'];
  const lines = await waybill(...how);
  assert.match(lines.out, /^x-signature: t=1698570000,s=sha256=[0-9a-f]{64}$/);
  const curl = await waybill(...how, '--curl', 'http://127.0.0.1:8092/webhooks/telematics/a/b');
  assert.match(curl.out, /^curl -i -X POST \\\n {2}-H 'content-type: application\/json'/);
  assert.match(curl.out, /-H 'idempotency-key: [0-9a-f-]{36}'/);
  assert.match(curl.out, /--data-binary '@.*body\.json' \\\n {2}'http:\/\/127\.0\.0\.1:8092\/.*'$/);
});

test('two secrets make two signatures, each of which verify knows by its name', async () => {
  const both = ['--secret', `old=${file('k1.txt')}`, '--secret', `new=${file('k2.txt')}`];
  const headers = await headersOf(...both);
  assert.equal(headers['x-signature']?.match(/s=sha256=/g)?.length, 2);
  const line = `X-Signature: ${headers['x-signature']}`;
  const request = ['verify', '--body', file('body.json'), '--header', line, '--json'];
  const answer = await waybill(...request, '--secret', `new=${file('k2.txt')}`);
  const { valid, keyId } = JSON.parse(answer.out) as { valid: boolean; keyId: string };
  assert.deepEqual([valid, keyId], [true, 'new']);
});

test('a secret can stand in a file, in a field of one, in the store, or in a tenant folder', async () => {
  const places = [
    ['--secret', file('k1.txt')],
    ['--secret', `${file('secrets.json')}#hook`],
    ['--secret', 'secret://files/bay-cabs#webhook_k1', '--secrets-dir', file('secrets')],
    ['--tenant', file('bay-cabs'), '--source', 'dispatch', '--secrets-dir', file('secrets')],
  ];
  const saved = save(await headersOf('--secret', file('k1.txt')), BODY);
  for (const place of places) {
    const { code, out, err } = await waybill('verify', '--request', saved, ...place);
    assert.equal(code, 0, `${out}${err}`);
  }
});

test('doctor names each mistake and what to do', async () => {
  const headers = await headersOf('--secret', file('k1.txt'));
  const indented = save(headers, JSON.stringify(JSON.parse(BODY), null, 2));
  const { code, out } = await waybill('doctor', '--request', indented, '--secret', file('k1.txt'));
  assert.equal(code, 1);
  assert.match(out, /^signature_wrong: /);
  assert.match(out, /body_serialised: it was signed as JSON without spaces/);
  assert.match(out, /do not parse and write the JSON again/);

  const late = save(headers, BODY);
  const clock = ['--now', new Date(Date.now() + 7_200_000).toISOString()];
  const skewed = await waybill('doctor', '--request', late, '--secret', file('k1.txt'), ...clock);
  assert.match(skewed.out, /clock_skew: .*local time taken for UTC/);

  const fine = await waybill('doctor', '--request', late, '--secret', file('k1.txt'));
  assert.deepEqual([fine.code, fine.out], [0, 'valid: made with k1; nothing is wrong here']);
});

test('doctor knows the secret of a neighbour in the tenant folder', async () => {
  const yaml = `tenant_id: bay-cabs
company:
  company_id: bay-cabs
  name: Bay Cabs
  zone: America/Los_Angeles
  currency: USD
sources:
  - source_id: dispatch
    kind: webhook
    scheme: waybill-hmac
    secrets:
      k1: secret://files/bay-cabs#webhook_k1
  - source_id: tracker
    kind: webhook
    scheme: waybill-hmac
    secrets:
      t1: secret://files/bay-cabs#tracker
events:
  trip: off
  site_visit: off
  trip_status: provider
detection: {}
erp:
  target: erp
  adapter: postgres
  url: secret://files/bay-cabs#erp_url
`;
  writeFileSync(file('bay-cabs/tenant.yaml'), yaml);
  const saved = save(await headersOf('--secret', file('k2.txt')), BODY);
  const folder = ['--tenant', file('bay-cabs'), '--source', 'dispatch'];
  const how = [...folder, '--secrets-dir', file('secrets'), '--json'];
  const { code, out, err } = await waybill('doctor', '--request', saved, ...how);
  assert.equal(code, 1, err);
  const { reason, findings } = JSON.parse(out) as {
    reason: string;
    findings: { code: string; what: string }[];
  };
  assert.equal(reason, 'signature_wrong');
  assert.deepEqual(
    findings.map((finding) => [finding.code, finding.what]),
    [['secret_other', 'it was made with the secret t1 of source tracker']],
  );
});

test('doctor reads what ingest noted, and sees that another body arrived', async () => {
  const row = {
    http_request_id: 'r-1',
    refused_time: Date.UTC(2026, 10, 20, 9, 14, 5),
    tenant_id: 'bay-cabs',
    source_id: 'dispatch',
    reason: 'signature_wrong',
    meaning: 'none of the valid secrets makes one of the signatures over these bytes',
    detail: 'no key of 1 made one of 1',
    client_address: '203.0.113.9',
    body_bytes: 12,
    body_sha256: '0'.repeat(64),
  };
  const server = createServer((request, response) => {
    const found = request.url === '/refusals/r-1' ? [row] : [];
    response.end(JSON.stringify({ refusals: found }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ingest = ['--ingest', `http://127.0.0.1:${port}`];
  try {
    const alone = await waybill('doctor', '--request-id', 'r-1', ...ingest);
    assert.equal(alone.code, 1);
    assert.match(
      alone.out,
      /^2026-11-20 09:14:05Z {2}bay-cabs\/dispatch from 203\.0\.113\.9\nsignature_wrong: /,
    );
    const saved = save(await headersOf('--secret', file('k1.txt')), BODY);
    const own = ['--request', saved, '--secret', file('k1.txt')];
    const compared = await waybill('doctor', '--request-id', 'r-1', ...ingest, ...own);
    assert.match(compared.out, /changed on the way: 12 bytes arrived, 69 are here/);
    assert.match(compared.out, /valid: made with k1/);
    assert.equal(compared.code, 1);
    const unknown = await waybill('doctor', '--request-id', 'r-2', ...ingest);
    assert.deepEqual([unknown.code, unknown.out], [1, 'ingest has noted no refusal r-2']);
  } finally {
    server.close();
  }
});

test('what cannot be used is named, never shown', async () => {
  writeFileSync(file('notes.txt'), 'hello');
  writeFileSync(file('broken.json'), `{"hook":"${SECRET}`);
  const saved = save({}, BODY);
  const cases: readonly (readonly [number, RegExp, readonly string[]])[] = [
    [1, /expected --request <file>, or --body/, ['verify', '--secret', file('k1.txt')]],
    [78, /expected --secret, or --tenant/, ['verify', '--request', saved]],
    [
      78,
      /secret file .*nowhere\.txt cannot be read/,
      ['sign', saved, '--secret', file('nowhere.txt')],
    ],
    [
      78,
      /expected a text in field hook of/,
      ['sign', saved, '--secret', `${file('broken.json')}#hook`],
    ],
    [
      78,
      /no text in field other/,
      [
        'sign',
        saved,
        '--secret',
        'secret://files/bay-cabs#other',
        '--secrets-dir',
        file('secrets'),
      ],
    ],
    [
      78,
      /cannot be one of samsara/,
      ['sign', saved, '--dialect', 'samsara', '--secret', file('notes.txt')],
    ],
    [
      1,
      /expected an HTTP message or a JSON object/,
      ['verify', '--request', file('notes.txt'), '--secret', file('k1.txt')],
    ],
    [2, /Allowed choices are waybill-hmac/, ['sign', saved, '--dialect', 'other']],
    [
      78,
      /expected --source to be a push source/,
      [
        'sign',
        saved,
        '--tenant',
        file('bay-cabs'),
        '--source',
        'nobody',
        '--secrets-dir',
        file('secrets'),
      ],
    ],
  ];
  for (const [code, expected, args] of cases) {
    const result = await waybill(...args);
    assert.equal(result.code, code, `${args.join(' ')}\n${result.err}`);
    assert.match(result.err, expected);
  }
});

test('every command has help with an example', async () => {
  for (const command of ['sign', 'verify', 'doctor']) {
    const { code, out } = await waybill(command, '--help');
    assert.equal(code, 0);
    assert.match(out, new RegExp(`waybill webhook ${command} `));
  }
});
