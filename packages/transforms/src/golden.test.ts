import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { transformPage, type Transformed } from './index.ts';
import { pageOf } from './page-fixture.ts';

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

for (const file of readdirSync(folder).filter((name) => name.endsWith('.page.json'))) {
  const name = file.slice(0, -'.page.json'.length);
  test(`the recorded answer ${name} gives exactly the expected events`, () => {
    const page = pageOf({
      ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as object),
      body: readFileSync(new URL(`${name}.body.txt`, folder)),
    });
    const found = readable(transformPage(page, { topic: 'raw', partition: 2, offset: 41 }));
    const expected = new URL(`${name}.expected.json`, folder);
    if (update) writeFileSync(expected, `${JSON.stringify(found, null, 2)}\n`);
    assert.deepEqual(found, JSON.parse(readFileSync(expected, 'utf8')));
  });
}
