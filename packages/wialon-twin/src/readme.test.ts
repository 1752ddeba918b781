import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { faultKinds } from './faults/order-fault.ts';
import { messageFaults } from './faults/messages.ts';
import { limitReasons } from './faults/reasons.ts';
import { usage } from './options.ts';
import { serviceNames } from './remote-api.ts';
import { templates } from './reports/tables.ts';

const readme = ['README.md', 'CONTROL.md']
  .map((name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))
  .join('\n');

test('the documents name every option, kind of fault, reason, service and report', () => {
  const options = usage.match(/--[a-z-]+/g) ?? [];
  assert.ok(options.length > 15);
  const services = serviceNames.map((name) => name.slice(name.indexOf('/') + 1));
  const tables = templates.map(({ table }) => table);
  const kinds = [...faultKinds, ...messageFaults, ...limitReasons];
  // Some names stand in a list in short: `search_item(s)`.
  const text = readme.replaceAll('search_item(s)', 'search_item, search_items');
  for (const name of [...options, ...kinds, ...services, ...tables]) {
    assert.ok(text.includes(name), name);
  }
});
