import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '@waybill/fault';
import { defineConfig } from './define-config.ts';
import { processConfig } from './process-config.ts';
import { variable } from './variable.ts';

const reader = defineConfig({
  ...processConfig,
  LEDGER_URL: variable.database({ meaning: 'database of the ledger' }),
  LEDGER_BATCH_MAX: variable.integer(
    { minimum: 1, maximum: 100, unit: 'rows', meaning: 'rows per statement' },
    10,
  ),
  LEDGER_STRICT: variable.flag({ meaning: 'refuse unknown rows' }, true),
});

const good = { LEDGER_URL: 'postgres://u:geheim@127.0.0.1/ledger' };

function problemsOf(env: Record<string, string>): string[] {
  try {
    reader.readConfig(env);
  } catch (error) {
    assert.ok(isFault(error));
    assert.equal(error.kind, 'misconfigured');
    assert.equal(error.code, 'CONFIG_INVALID');
    return error.message.split('\n');
  }
  return [];
}

test('defaults fill what is not set, and an empty text is not set', () => {
  const config = reader.readConfig({ ...good, KAFKA_BROKERS: '', HTTP_PORT: '8080' });
  assert.deepEqual(config.KAFKA_BROKERS, ['127.0.0.1:9092']);
  assert.equal(config.KAFKA_NAMESPACE, '');
  assert.equal(config.HTTP_PORT, 8080);
  assert.equal(config.LEDGER_BATCH_MAX, 10);
  assert.equal(config.LEDGER_STRICT, true);
  assert.equal(config.SECRETS_DIR, undefined);
  assert.equal(config.TRACE_POSITION_RATIO, 0.01);
  assert.ok(Object.isFrozen(config));
});

test('all problems are listed at once, a line each, without the values', () => {
  const problems = problemsOf({
    LEDGER_BATCH_MAX: '1000',
    LEDGER_STRICT: 'geheim',
    HTTP_PORT: '80.5',
    KAFKA_BROKERS: 'a:1,,b:2',
    SCHEMA_REGISTRY_URL: 'registry',
    LOG_LEVEL: 'loud',
    TRACE_POSITION_RATIO: '  ',
  });
  assert.deepEqual(problems.toSorted(), [
    'HTTP_PORT: expected an integer from 0 to 65535',
    'KAFKA_BROKERS: expected values separated by commas',
    'LEDGER_BATCH_MAX: expected an integer from 1 to 100',
    'LEDGER_STRICT: expected true or false',
    'LEDGER_URL is not set; it is required',
    'LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent',
    'SCHEMA_REGISTRY_URL: expected an http:// or https:// address',
    'TRACE_POSITION_RATIO: expected a number from 0 to 1',
  ]);
});

test('an unknown variable with one of our prefixes is refused and a near name is suggested', () => {
  assert.deepEqual(problemsOf({ ...good, KAFKA_BROKER: 'a:1', WIALON_TOKEN: 'x' }), [
    'KAFKA_BROKER is not a variable of this service; did you mean KAFKA_BROKERS?',
    'WIALON_TOKEN is not a variable of this service; remove it',
  ]);
});

test('variables of others are none of our business', () => {
  const env = { ...good, OTEL_SERVICE_NAME: 'x', HTTP_PROXY: 'http://p', WAYBILL_HOME: '/tmp' };
  assert.deepEqual(problemsOf(env), []);
});

test('describe gives the rows of a configuration table', () => {
  const rows = new Map(reader.describe().map((row) => [row.name, row]));
  assert.deepEqual(rows.get('LEDGER_BATCH_MAX'), {
    name: 'LEDGER_BATCH_MAX',
    default: '10',
    unit: 'rows',
    meaning: 'rows per statement',
  });
  assert.equal(rows.get('LEDGER_URL')?.default, 'required');
  assert.equal(rows.get('KAFKA_BROKERS')?.default, '127.0.0.1:9092');
  assert.equal(rows.get('KAFKA_NAMESPACE')?.default, "''");
  assert.equal(rows.get('SECRETS_DIR')?.default, 'none');
  assert.notEqual(rows.get('SECRETS_DIR')?.meaning, '');
  assert.notEqual(rows.get('WAYBILL_PARENT_PID')?.meaning, '');
});

test('the start line shows no secret', () => {
  const plain = reader.redact(reader.readConfig(good));
  assert.equal(plain['LEDGER_URL'], 'postgres://u:***@127.0.0.1/ledger');
  const reference = reader.readConfig({ LEDGER_URL: 'secret://files/db#url' });
  assert.equal(reader.redact(reference)['LEDGER_URL'], 'configured');
});
