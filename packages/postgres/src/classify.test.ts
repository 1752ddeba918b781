import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '@waybill/fault';
import { classify } from './classify.ts';

function sqlError(code: string, fields: object = {}): Error {
  return Object.assign(new Error('refused'), { code, ...fields });
}

const cases: readonly (readonly [code: string, kind: string, fault: string, category: string])[] = [
  ['08006', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['57P01', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['57P03', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['53300', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['ECONNREFUSED', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['ECONNRESET', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['ENOTFOUND', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['55000', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['25006', 'transient', 'DB_UNAVAILABLE', 'network'],
  ['40001', 'transient', 'DB_BUSY', 'network'],
  ['40P01', 'transient', 'DB_BUSY', 'network'],
  ['55P03', 'transient', 'DB_BUSY', 'network'],
  ['57014', 'transient', 'DB_BUSY', 'network'],
  ['23505', 'refused', 'DB_CONSTRAINT', 'validation'],
  ['23503', 'refused', 'DB_CONSTRAINT', 'validation'],
  ['P0001', 'refused', 'DB_CONSTRAINT', 'validation'],
  ['22P02', 'refused', 'DB_VALUE', 'validation'],
  ['42P01', 'misconfigured', 'DB_SCHEMA', 'validation'],
  ['42501', 'misconfigured', 'DB_SCHEMA', 'validation'],
  ['3D000', 'misconfigured', 'DB_SCHEMA', 'validation'],
  ['28P01', 'misconfigured', 'DB_LOGIN', 'authentication'],
  ['25P02', 'bug', 'DB_UNEXPECTED', 'transformation'],
  ['XX000', 'bug', 'DB_UNEXPECTED', 'transformation'],
];

for (const [code, kind, fault, category] of cases) {
  test(`${code} is ${kind} ${fault}`, () => {
    const result = classify(sqlError(code), 'deliver');
    assert.equal(result.kind, kind);
    assert.equal(result.code, fault);
    assert.equal(result.category, category);
    assert.equal(result.stage, 'deliver');
  });
}

test('the message names the constraint but no value of the row', () => {
  const error = sqlError('23505', {
    table: 'trip',
    constraint: 'trip_pkey',
    detail: 'Key (driver)=(Jane Doe) already exists.',
  });
  const { message } = classify(error);
  assert.equal(message, 'refused (code 23505, table trip, constraint trip_pkey)');
});

test('errors of the client without a code are recognised by their text', () => {
  for (const text of [
    'Connection terminated unexpectedly',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'Query read timeout',
  ]) {
    assert.equal(classify(new Error(text)).code, 'DB_UNAVAILABLE');
  }
  const both = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
  assert.match(classify(both).message, /cannot be reached/);
});

test('it is total, and a Fault stays what it is', () => {
  for (const thrown of [undefined, null, 7, 'text', {}, new TypeError('x')]) {
    assert.equal(classify(thrown).kind, 'bug');
  }
  const fault = new Fault('x', { kind: 'unmapped', code: 'NO_VEHICLE', stage: 'decide' });
  assert.equal(classify(fault), fault);
});
