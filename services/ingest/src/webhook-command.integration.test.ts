import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { runProgram } from '@waybill/cli';
import { createMetrics, serveHealth } from '@waybill/runtime';
import { testDatabase, until, type TestDatabase } from '@waybill/testkit';
import {
  eventBody,
  recordsOf,
  refusalsOf,
  signatureOf,
  startHarness,
  type Harness,
} from './testing/harness.ts';

let database: TestDatabase;
let ingest: Harness;
let dir: string;

before(async () => {
  database = await testDatabase();
  dir = await mkdtemp(join(tmpdir(), 'webhook-command-'));
  await writeFile(join(dir, 'k1.txt'), 'geheim-1\n');
  await writeFile(join(dir, 'wrong.txt'), 'geheim-9');
  await writeFile(join(dir, 'secrets.json'), '{"webhook_k1":"geheim-1"}');
});
after(async () => {
  await database.stop();
  await rm(dir, { recursive: true });
});
beforeEach(async () => {
  ingest = await startHarness({ databaseUrl: database.url });
  ingest.secrets.set('k2', 'geheim-2');
});
afterEach(async () => {
  await ingest.service.stop();
});

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: readonly string[];
}

function run(
  args: readonly string[],
  err: string[] = [],
): { done: Promise<Result>; err: string[] } {
  const out: string[] = [];
  const terminal = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    colour: false,
    env: {},
  };
  const done = runProgram(['webhook', ...args], terminal).then((code) => ({
    code,
    out: out.join('\n'),
    err,
  }));
  return { done, err };
}

function target(secret = 'k1.txt'): string[] {
  return ['--url', ingest.url, '--source', 'bay-cabs/dispatch', '--secret-file', join(dir, secret)];
}

test('send signs an example and shows the answer', async () => {
  const { code, out } = await run([
    'send',
    '--example',
    'fuel.transaction.created',
    '--key',
    'key-send-1',
    ...target(),
  ]).done;
  assert.equal(code, 0, out);
  assert.match(
    out,
    /^200 accepted in .*\n\{"accepted":"key-send-1"\}\nIdempotency-Key key-send-1, Request-Id [0-9a-f-]{36}$/,
  );
  assert.equal(recordsOf(ingest.log).length, 1);
});

test('send posts a file byte for byte, as JSON for scripts; a repeat is told', async () => {
  const file = join(dir, 'batch.json');
  const text = `[ ${eventBody('a')},\n${eventBody('b')} ]`;
  await writeFile(file, text);
  const args = [
    'send',
    file,
    '--key',
    'key-send-2',
    '--json',
    ...target('secrets.json#webhook_k1'),
  ];
  const first = JSON.parse((await run(args).done).out) as Record<string, unknown>;
  assert.deepEqual(
    [first['status'], first['repeated'], first['body']],
    [200, false, '{"accepted":2}'],
  );
  const again = JSON.parse((await run(args).done).out) as Record<string, unknown>;
  assert.deepEqual([again['status'], again['repeated']], [200, true]);
  assert.deepEqual(
    recordsOf(ingest.log).map((record) => record.body.toString()),
    [text],
  );
});

test('send fails with the status and the problem', async () => {
  const file = join(dir, 'bad.json');
  await writeFile(file, eventBody('x', { status: 'lost' }));
  const refused = await run(['send', file, ...target()]).done;
  assert.equal(refused.code, 1);
  assert.match(refused.out, /^422 refused.*\n.*data\.status/);
  const forged = await run(['send', file, ...target('wrong.txt')]).done;
  assert.equal(forged.code, 1);
  assert.match(forged.out, /^401 refused/);
  const missing = await run(['send', file, ...target('none.txt')]).done;
  assert.equal(missing.code, 78);
  assert.match(missing.err.join(), /the secret file .*none\.txt cannot be read.*SECRET_INVALID/);
});

/** Records `bodies` on their way to ingest; gives the file. */
async function recording(name: string, bodies: readonly (string | Buffer)[]): Promise<string> {
  const file = join(dir, name);
  const base = new URL(ingest.url).origin;
  const { done, err } = run(['record', file, '--forward', base, '--count', String(bodies.length)]);
  const address = await until('the recorder', () => /http:\/\/[\d.:]+/.exec(err.join())?.[0]);
  for (const [i, body] of bodies.entries()) {
    // Recorded a minute ago: what is sent again within the second of the first would be a replay.
    const t = Math.floor(Date.now() / 1000) - 60;
    const response = await fetch(`${address}/webhooks/telematics/bay-cabs/dispatch`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-signature': signatureOf(body, t, 'geheim-1'),
        'idempotency-key': `${name}-${i}`,
        authorization: 'Bearer geheim',
        'x-fleet': 'north',
      },
      body,
    });
    await response.arrayBuffer();
  }
  assert.equal((await done).code, 0);
  return file;
}

test('record keeps bytes, headers and the answer, and no credentials', async () => {
  const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
  const file = await recording('kept.jsonl', [eventBody('one', { note: 'ü' }), bytes]);
  const text = await readFile(file, 'utf8');
  assert.doesNotMatch(text, /geheim|sha256=/);
  const [first, second] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(first?.['body'], eventBody('one', { note: 'ü' }));
  assert.equal(first['status'], 200);
  assert.equal((first['headers'] as Record<string, string>)['x-fleet'], 'north');
  assert.deepEqual([second?.['body_base64'], second?.['status']], [bytes.toString('base64'), 400]);
});

test('replay with seeded trouble finds every answer as expected, and nothing doubled in the log', async () => {
  const bodies = Array.from({ length: 40 }, (_, i) =>
    eventBody(`r${i}`, i % 10 === 9 ? { status: 'lost' } : {}),
  );
  const file = await recording('trouble.jsonl', bodies);
  const before = recordsOf(ingest.log).length;
  assert.equal(before, 36);
  const shares = ['--duplicates', '0.5', '--replays', '0.5', '--corrupt', '0.2', '--skewed', '0.2'];
  const how = [...shares, '--skew', '400', '--reorder', '5', '--delay', '3', '--seed', '7'];
  const { code, out } = await run(['replay', file, ...how, '--json', ...target()]).done;
  const result = JSON.parse(out) as {
    rows: readonly { kind: string; expected: string; sent: number; right: number }[];
    deviations: readonly unknown[];
  };
  assert.deepEqual(result.deviations, []);
  assert.equal(code, 0);
  const kinds = new Set(result.rows.map(({ kind }) => kind));
  assert.deepEqual(kinds, new Set(['plain', 'duplicate', 'replayed', 'corrupt', 'skewed']));
  const accepted = result.rows.find(({ kind, expected }) => kind === 'plain' && expected === '200');
  assert.equal(recordsOf(ingest.log).length - before, accepted?.sent);
});

test('replay says which request was answered otherwise, and fails', async () => {
  const file = await recording('wrong.jsonl', [eventBody('w1'), eventBody('w2')]);
  const { code, out } = await run(['replay', file, ...target('wrong.txt')]).done;
  assert.equal(code, 1);
  assert.match(out, /^kind +expected +sent +as expected\nplain +200 +2 +0\n/);
  assert.match(out, /request 0 \(plain\): expected 200, found 401/);
  const off = await run(['replay', file, '--skewed', '1', '--skew', '290', ...target()]).done;
  assert.equal(off.code, 0, off.out);
});

test('replay names the line of a recording that is none', async () => {
  const file = join(dir, 'none.jsonl');
  await writeFile(file, '{"at":"x"}\n');
  const { code, err } = await run(['replay', file, ...target()]).done;
  assert.equal(code, 1);
  assert.match(err.join(), /none\.jsonl:1: expected \{at, path/);
});

const seconds = (): number => Math.floor(Date.now() / 1000);

/** What a sender got wrong: what ingest notes, and what doctor finds. */
const mistakes: readonly {
  readonly what: string;
  readonly reason: string;
  readonly finding: string;
  /** Body and headers as they are sent. */
  readonly sent: (signed: string) => readonly [string, Record<string, string>];
}[] = [
  {
    what: 'a clock that is off',
    reason: 'too_old',
    finding: 'clock_skew',
    sent: (body) => [body, { 'x-signature': signatureOf(body, seconds() - 900, 'geheim-1') }],
  },
  {
    what: 'JSON written anew after it was signed',
    reason: 'signature_wrong',
    finding: 'body_serialised',
    sent: (body) => [
      JSON.stringify(JSON.parse(body), null, 2),
      { 'x-signature': signatureOf(body, seconds(), 'geheim-1') },
    ],
  },
  {
    what: 'a secret that is not ours',
    reason: 'signature_wrong',
    finding: 'secret_unknown',
    sent: (body) => [body, { 'x-signature': signatureOf(body, seconds(), 'geheim-9') }],
  },
  {
    what: 'the signature of another dialect',
    reason: 'signature_missing',
    finding: 'wrong_dialect',
    sent: (body) => {
      const mac = createHmac('sha256', 'geheim-1').update(body).digest('hex');
      return [body, { 'x-hub-signature-256': `sha256=${mac}` }];
    },
  },
  {
    what: 'a body that was cut',
    reason: 'signature_wrong',
    finding: 'body_truncated',
    sent: (body) => [
      body.slice(0, -9),
      { 'x-signature': signatureOf(body, seconds(), 'geheim-1') },
    ],
  },
];

for (const { what, reason, finding, sent } of mistakes) {
  test(`doctor at a running door: ${what}`, async () => {
    const internal = await serveHealth({
      host: '127.0.0.1',
      port: 0,
      metrics: createMetrics('ingest'),
      health: () => ({ service: 'ingest', live: true, ...ingest.service.health() }),
      routes: ingest.service.routes ?? {},
    });
    try {
      const [body, headers] = sent(eventBody('evt_doctor'));
      const path = '/webhooks/telematics/bay-cabs/dispatch';
      const refused = await fetch(new URL(path, ingest.url), { method: 'POST', headers, body });
      assert.deepEqual([refused.status, await refused.text()], [401, '']);
      const requestId = refused.headers.get('request-id') ?? '';
      await until('the audit', async () => (await refusalsOf(ingest, requestId)).length > 0);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const saved = join(dir, `${finding}.http`);
      await writeFile(saved, `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
      const audit = ['--request-id', requestId, '--ingest', `http://127.0.0.1:${internal.port}`];
      const secret = ['--secret', join(dir, 'k1.txt')];
      const { code, out } = await run(['doctor', ...audit, '--request', saved, ...secret]).done;
      assert.equal(code, 1, out);
      assert.match(out, new RegExp(`bay-cabs/dispatch from 127\\.0\\.0\\.1\\n${reason}: `));
      assert.match(out, new RegExp(`\\n {2}${finding}`));
      assert.doesNotMatch(out, /changed on the way|geheim/);
    } finally {
      await internal.close();
    }
  });
}
