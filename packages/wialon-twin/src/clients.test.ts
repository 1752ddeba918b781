// Requests as published client libraries sent them to the twin, recorded on the wire; only the session id is put in.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { madeUpFleets } from './made-up.ts';
import { startTwin } from './twin.ts';

interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The error that the client is to see. */
  readonly error?: number;
}

const text = readFileSync(new URL('../testdata/clients.json', import.meta.url), 'utf8');
const clients = JSON.parse(text) as Readonly<Record<string, readonly Recorded[]>>;

const twin = await startTwin({
  scenario: madeUpFleets({
    accounts: ['fleet'],
    fleet: { units: 3, every_s: 60, history_s: 3600 },
    baseTime: '2025-01-06T00:00:00.000Z',
    durationS: 3600,
  }),
  seed: 7,
  speed: 1,
  virtual: true,
});
after(() => twin.close());

/** Sends the bytes as they are; the answer is what these clients take: gzip or plain, exactly this type. */
function send({ method, url, headers, body }: Recorded, sid: string): Promise<unknown> {
  const withSid = (part: string): string => part.replace('{sid}', sid);
  return new Promise((resolve, reject) => {
    const sent = request(`${twin.url}${withSid(url)}`, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        assert.equal(response.statusCode, 200);
        assert.equal(response.headers['content-type'], 'application/json');
        const bytes = Buffer.concat(chunks);
        const isZipped = response.headers['content-encoding'] === 'gzip';
        resolve(JSON.parse((isZipped ? gunzipSync(bytes) : bytes).toString('utf8')));
      });
    });
    sent.on('error', reject);
    sent.end(withSid(body));
  });
}

for (const [client, requests] of Object.entries(clients)) {
  test(`what ${client} sends is answered`, async () => {
    let sid = '';
    for (const recorded of requests) {
      const answer = (await send(recorded, sid)) as { eid?: string; error?: number };
      assert.equal(answer.error ?? 0, recorded.error ?? 0, `${recorded.url} ${recorded.body}`);
      if (answer.eid !== undefined) sid = answer.eid;
    }
    assert.notEqual(sid, '');
  });
}
