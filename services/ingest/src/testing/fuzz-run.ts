import assert from 'node:assert/strict';
import { testDatabase } from '@waybill/testkit';
import * as fc from 'fast-check';
import { attempts, judge, sendAttempt } from './fuzz.ts';
import { pushSource, startHarness } from './harness.ts';

/** Sends so many drawn requests to a service of its own and judges every answer; prints the seed when one is wrong. */
export async function fuzzDoor(numRuns: number): Promise<void> {
  const database = await testDatabase();
  const ingest = await startHarness({
    databaseUrl: database.url,
    config: { INGEST_TOKEN_KEY: 'secret://files/test#token_key' },
  });
  ingest.secrets.set('token_key', 'k'.repeat(32)).set('k2', 'geheim-2');
  ingest.addSources(pushSource('small', { scheme: 'oauth2-own' }));
  const answers = new Map<number, number>();
  try {
    const port = Number(ingest.service.started?.['webhook_port']);
    await fc.assert(
      fc.asyncProperty(attempts, async (attempt) => {
        const received = await sendAttempt(port, attempt);
        answers.set(received.status, (answers.get(received.status) ?? 0) + 1);
        judge(attempt, received);
      }),
      { numRuns },
    );
  } finally {
    await ingest.service.stop();
    await database.stop();
  }
  // A generator that only draws nonsense would prove nothing.
  for (const status of [200, 400, 401, 404, 422, 429]) {
    assert.ok(
      (answers.get(status) ?? 0) > numRuns / 200,
      `few answers ${status}: ${[...answers].join(' ')}`,
    );
  }
}
