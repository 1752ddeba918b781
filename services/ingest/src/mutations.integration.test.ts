// 10,000 changed requests through the real door: all refused, each for the right reason in the audit.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import { createPool, type Pool } from '@waybill/postgres';
import { testDatabase, until, type TestDatabase } from '@waybill/testkit';
import { eventBody, startHarness, type Harness } from './testing/harness.ts';
import {
  harmless,
  mutate,
  mutationClasses,
  seeded,
  type Original,
  type SignedPush,
} from './testing/mutations.ts';

const MUTANTS = 10_000;
const HARMLESS = 400;
const AT_ONCE = 16;

let database: TestDatabase;
let pool: Pool;
let ingest: Harness;
// The raw client: it sends headers in the case that we write them, and costs less than fetch.
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url, { applicationName: 'test', max: 1 });
  ingest = await startHarness({ databaseUrl: database.url });
  ingest.secrets.set('k2', 'geheim-2');
  ingest.clock = Date.now();
});
after(async () => {
  agent.destroy();
  await ingest.service.stop();
  await pool.end();
  await database.stop();
});

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly requestId: string;
}

function send({ name, header, body }: SignedPush): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/json',
      'X-Waybill-Source': 'bay-cabs/dispatch',
      'Idempotency-Key': randomUUID(),
      // What Node would not let us send is no request at all.
      [name]: Buffer.from(header, 'utf8').toString('latin1'),
    };
    const request = httpRequest(ingest.url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          requestId: String(response.headers['request-id']),
        }),
      );
    });
    request.once('error', reject);
    request.end(body);
  });
}

/** Runs `work` for 0 … count - 1, some at a time. */
async function times(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) await work(n);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function original(id: string): Original {
  return {
    body: Buffer.from(eventBody(id)),
    secret: 'geheim-1',
    now: Math.floor((ingest.clock ?? 0) / 1000),
    toleranceS: 300,
  };
}

test(`${MUTANTS} mutations of t, s or body are refused, each with its reason in the audit`, async (t) => {
  const seed = Date.now() % 2 ** 32;
  t.diagnostic(`seed ${seed}`);
  const random = seeded(seed);
  const mutants = Array.from({ length: MUTANTS }, (_, n) => mutate(n, original(`m-${n}`), random));
  const expected = new Map<string, { readonly n: number; readonly reason: string }>();
  await times(MUTANTS, async (n) => {
    const mutant = mutants[n];
    assert.ok(mutant);
    const { status, body, requestId } = await send(mutant);
    const what = `${Object.keys(mutationClasses)[n % 12]}: ${mutant.header}`;
    assert.deepEqual([status, body], [401, ''], what);
    expected.set(requestId, { n, reason: mutant.reason });
  });
  assert.equal(Object.keys(mutationClasses).length, 12);
  assert.equal(expected.size, MUTANTS);
  assert.equal(ingest.log.sent.length, 0, 'a mutant left a raw record');

  const count = async (): Promise<boolean> => {
    const { rows } = await pool.query<{ n: number }>('select count(*)::int n from ingest.refusal');
    return rows[0]?.n === MUTANTS;
  };
  await until('the audit to be whole', count);
  const { rows } = await pool.query<{ http_request_id: string; reason: string }>(
    'select http_request_id, reason from ingest.refusal',
  );
  const wrong = rows.filter((row) => expected.get(row.http_request_id)?.reason !== row.reason);
  assert.deepEqual(
    wrong.slice(0, 5).map((row) => [row.reason, expected.get(row.http_request_id)]),
    [],
  );
  const claims = await pool.query('select 1 from ingest.claim');
  assert.equal(claims.rowCount, 0, 'a mutant left a claim');
});

test(`${HARMLESS} harmless changes pass`, async (t) => {
  const seed = Date.now() % 2 ** 32;
  t.diagnostic(`seed ${seed}`);
  const random = seeded(seed);
  const pushes = Array.from({ length: HARMLESS }, (_, n) =>
    harmless(n, original(`h-${n}`), random),
  );
  await times(HARMLESS, async (n) => {
    const push = pushes[n];
    assert.ok(push);
    const { status, body } = await send(push);
    assert.equal(status, 200, `${push.name}: ${push.header} → ${status} ${body}`);
  });
  assert.equal(ingest.log.sent.length, HARMLESS);
});
