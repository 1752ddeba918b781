import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdmission, type Admission, type Hold, type Turned } from './admission.ts';

function entered(admission: Admission, bytes = 0): Hold {
  const place = admission.enter(bytes);
  assert.ok('grow' in place, 'sent away');
  return place;
}

function sentAway(admission: Admission, bytes = 0): Turned {
  const place = admission.enter(bytes);
  assert.ok('code' in place, 'let in');
  return place;
}

test('requests and bytes are bounded, and room comes back with the answers', () => {
  const admission = createAdmission({ requests: 2, bytes: 100 }, () => 0);
  const first = entered(admission);
  assert.equal(first.grow(60), true);
  assert.equal(first.grow(41), false);
  assert.equal(sentAway(admission, 41).code, 'OVERLOADED');
  const second = entered(admission, 40);
  assert.equal(sentAway(admission).code, 'OVERLOADED');
  first.release();
  first.release();
  assert.equal(admission.bytes(), 0);
  assert.equal(admission.requests(), 1);
  assert.equal(first.grow(1), false, 'a request that ended holds nothing');
  second.release();
  assert.equal(admission.requests(), 0);
});

test('bytes that the log does not confirm count after their requests were answered', () => {
  const admission = createAdmission({ requests: 10, bytes: 100 }, () => 0);
  const records = admission.hold(90);
  assert.equal(sentAway(admission, 11).code, 'OVERLOADED');
  records.release();
  entered(admission, 11);
});

test('while the brokers are away one authenticated request per second looks for them', () => {
  let time = 1000;
  const admission = createAdmission({ requests: 10, bytes: 100 }, () => time);
  assert.equal(admission.attempt(), undefined);
  admission.failed();
  entered(admission);
  assert.deepEqual(admission.attempt(), { code: 'UNAVAILABLE', retryAfterS: 5 });
  time += 1000;
  assert.equal(admission.attempt(), undefined);
  assert.equal(admission.attempt()?.code, 'UNAVAILABLE');
  admission.failed();
  time += 20_000;
  assert.equal(admission.attempt(), undefined);
  assert.equal(admission.attempt()?.retryAfterS, 21);
  admission.worked();
  assert.equal(admission.attempt(), undefined);
  assert.equal(admission.attempt(), undefined);
});

test('a full door names a longer time when the brokers are slow', () => {
  const admission = createAdmission({ requests: 1, bytes: 100 }, () => 0);
  entered(admission);
  assert.equal(sentAway(admission).retryAfterS, 1);
  for (let batch = 0; batch < 30; batch += 1) admission.confirmed(12_000, 1);
  assert.equal(sentAway(admission).retryAfterS, 12);
});
