import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { transformPage, transformWebhook, type Transformed } from './index.ts';
import { pageOf, requestOf } from './page-fixture.ts';

const folder = new URL('../testdata/', import.meta.url);
const update = process.env['UPDATE_GOLDEN'] === '1';

function readable(result: Transformed): unknown {
  const text = JSON.stringify(
    {
      ...result,
      rejections: result.rejections.map((rejection) => ({
        ...rejection,
        original: rejection.original?.toString('utf8') ?? null,
      })),
    },
    null,
    2,
  );
  return JSON.parse(text);
}

const address = { topic: 'raw', partition: 2, offset: 41 };

function compare(result: Transformed, name: string): void {
  const found = readable(result);
  const expected = new URL(`${name}.expected.json`, folder);
  if (update) writeFileSync(expected, `${JSON.stringify(found, null, 2)}\n`);
  assert.deepEqual(found, JSON.parse(readFileSync(expected, 'utf8')));
}

function namesOf(ending: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));
}

for (const name of namesOf('.page.json')) {
  test(`the recorded answer ${name} gives exactly the expected events`, () => {
    const page = pageOf({
      ...(JSON.parse(readFileSync(new URL(`${name}.page.json`, folder), 'utf8')) as object),
      body: readFileSync(new URL(`${name}.body.txt`, folder)),
    });
    compare(transformPage(page, address), name);
  });
}

for (const name of namesOf('.webhook.json')) {
  test(`the pushed body ${name} gives exactly the expected events`, () => {
    const body = readFileSync(new URL(`${name}.webhook.json`, folder), 'utf8');
    compare(transformWebhook(requestOf(body, { verdict: 'UNSIGNED' }), address), name);
  });
}
