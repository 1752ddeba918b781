import assert from 'node:assert/strict';
import { it } from 'node:test';
import { times } from './client.ts';

it('lets a killed member be replaced, and its transaction end, within seconds', () => {
  assert.ok(times.session <= 10_000 && times.heartbeat * 3 <= times.session);
  assert.ok(times.transaction <= 15_000);
});
