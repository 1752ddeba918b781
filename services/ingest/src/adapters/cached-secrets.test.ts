import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECRET_AGE_MS, cachedSecrets } from './cached-secrets.ts';

test('a secret is read once a second, and a change is seen after it', async () => {
  let time = 0;
  let reads = 0;
  const secrets = cachedSecrets(
    async (reference) => {
      reads += 1;
      return `${reference} ${reads}`;
    },
    () => time,
  );
  assert.deepEqual(await Promise.all(['a', 'a', 'b'].map(secrets)), ['a 1', 'a 1', 'b 2']);
  time = SECRET_AGE_MS - 1;
  assert.equal(await secrets('a'), 'a 1');
  time = SECRET_AGE_MS;
  assert.equal(await secrets('a'), 'a 3');
});

test('a failure is kept as long as a value, then the secret is tried again', async () => {
  let time = 0;
  let reads = 0;
  const secrets = cachedSecrets(
    async () => {
      reads += 1;
      if (reads === 1) throw new Error('gone');
      return 'back';
    },
    () => time,
  );
  await assert.rejects(secrets('a'));
  await assert.rejects(secrets('a'));
  time = SECRET_AGE_MS;
  assert.equal(await secrets('a'), 'back');
});
