import { test } from 'node:test';
import { fuzzDoor } from './testing/fuzz-run.ts';

test('every answer to 20,000 drawn requests is declared by the description, and none is 5xx', async () => {
  await fuzzDoor(20_000);
});
