import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pushPermission } from './push-permission.ts';

const asks = { 'webhook-request-origin': 'Emitter.example.com' };
const allowed = { allow: 'POST', 'webhook-allowed-origin': 'emitter.example.com' };

const cases: readonly (readonly [
  name: string,
  headers: Readonly<Record<string, string>>,
  origins: readonly string[],
  expected: Readonly<Record<string, string>> | undefined,
])[] = [
  ['one of the list', asks, ['other.example', 'emitter.example.com'], allowed],
  ['everybody', asks, ['*'], { ...allowed, 'webhook-allowed-origin': '*' }],
  [
    'with a rate, which is granted; a later answer is not promised',
    { ...asks, 'webhook-request-rate': '120', 'webhook-request-callback': 'https://a.example/ok' },
    ['emitter.example.com'],
    { ...allowed, 'webhook-allowed-rate': '120' },
  ],
  [
    'with a rate that is no number',
    { ...asks, 'webhook-request-rate': '0\t' },
    ['emitter.example.com'],
    { ...allowed, 'webhook-allowed-rate': '*' },
  ],
  ['not of the list', asks, ['example.com', 'emitter.example.com.evil.example'], undefined],
  ['nobody is on the list', asks, ['none'], undefined],
  ['a preflight of a browser', { origin: 'https://emitter.example.com' }, ['*'], undefined],
];
for (const [name, headers, origins, expected] of cases) {
  test(name, () => {
    const answer = pushPermission(headers, origins);
    assert.deepEqual(answer, expected && { status: 200, headers: expected, body: '' });
  });
}
