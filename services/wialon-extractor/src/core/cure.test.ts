import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cureFor, cures, type Cure, type CureWait } from './cure.ts';

const cases: readonly [service: string, code: number, reason: string, Cure, CureWait][] = [
  ['token/login', 8, '', 'next_token', 'refusal'],
  ['token/login', 7, '', 'next_token', 'refusal'],
  ['token/login', 4, '', 'next_token', 'refusal'],
  ['token/login', 1003, 'LIMIT login', 'retry', 'backoff'],
  ['token/login', 1, '', 'retry', 'backoff'],
  ['token/login', 9, '', 'retry', 'backoff'],
  ['avl_evts', 1, '', 'login', 'none'],
  ['avl_evts', 1011, '', 'login', 'none'],
  ['avl_evts', 1003, 'LIMIT avl_evts', 'retry', 'backoff'],
  ['avl_evts', 1003, 'NO_SESSION', 'login', 'none'],
  ['core/search_items', 1003, 'LAYERS_MAX_COUNT', 'login', 'none'],
  ['messages/load_interval', 1003, 'LIMIT api_concurrent', 'retry', 'jitter'],
  ['messages/load_interval', 1003, 'limit exceeded', 'retry', 'backoff'],
  ['messages/load_interval', 1002, '', 'skip', 'none'],
  ['core/search_items', 1002, '', 'stop', 'refusal'],
  ['core/batch', 6, '', 'empty', 'none'],
  ['avl_evts', 6, '', 'reread', 'backoff'],
  ['messages/load_interval', 1, '', 'login', 'none'],
  ['messages/load_interval', 1001, '', 'empty', 'none'],
  ['messages/load_interval', 2, '', 'empty', 'none'],
  ['messages/load_interval', 1003, 'LOCKER_ERROR', 'retry', 'jitter'],
  ['messages/load_interval', 1003, 'Accept-Encoding is not gzip', 'stop', 'refusal'],
  ['messages/load_interval', 1004, '', 'narrow', 'none'],
  ['messages/load_interval', 1005, '', 'narrow', 'none'],
  ['messages/load_interval', 7, '', 'skip', 'none'],
  ['messages/load_interval', 6, '', 'retry', 'backoff'],
  ['messages/get_messages', 4, '', 'reload', 'none'],
  ['messages/get_messages', 10, '', 'retry', 'jitter'],
  ['messages/unload', 4, '', 'empty', 'none'],
  ['messages/unload', 1, '', 'login', 'none'],
  ['core/search_items', 5, '', 'retry', 'backoff'],
  ['core/search_items', 7, '', 'stop', 'refusal'],
  ['core/update_data_flags', 4, '', 'login', 'none'],
  ['resource/get_zone_data', 7, '', 'skip', 'none'],
  ['core/search_items', 424_242, '', 'retry', 'backoff'],
];

for (const [service, code, reason, cure, wait] of cases) {
  test(`${service} answering ${code} ${reason} is cured by ${cure} after ${wait}`, () => {
    const row = cureFor(service, code, reason);
    assert.equal(row.cure, cure);
    assert.equal(row.wait, wait);
  });
}

test('every code of every service has a cure', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer(), fc.string(), (service, code, reason) => {
      assert.notEqual(cureFor(service, code, reason), undefined);
    }),
  );
});

test('the contract card prints the whole table', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  for (const row of cures) {
    const codes = row.codes.length === 0 ? 'any' : row.codes.join(', ');
    const audit = row.audit === 'none' ? '–' : row.audit;
    const cells = [`\`${row.service}\``, codes, row.cure, row.scope, row.wait, audit];
    const line = new RegExp(
      cells.map((cell) => cell.replaceAll('*', String.raw`\*`)).join(String.raw`[^|]*\|\s*`),
    );
    assert.match(readme, line, `${row.service} ${codes}`);
    assert.ok(readme.includes(row.why), row.why);
  }
});
