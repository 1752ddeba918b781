import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '@waybill/fault';
import { createLogger } from './logger.ts';

function collect(): {
  readonly lines: Record<string, unknown>[];
  readonly write: (line: string) => void;
} {
  const lines: Record<string, unknown>[] = [];
  return { lines, write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) };
}

test('a line has level, time, service and fields', () => {
  const output = collect();
  const logger = createLogger({ service: 'sample', level: 'info', destination: output });
  logger.info({ duration_ms: 5 }, 'record.processed');
  logger.debug({}, 'not.shown');
  assert.equal(output.lines.length, 1);
  const [line] = output.lines;
  assert.equal(line?.['level'], 'info');
  assert.equal(line?.['service'], 'sample');
  assert.equal(line?.['msg'], 'record.processed');
  assert.equal(line?.['duration_ms'], 5);
  assert.match(String(line?.['time']), /^\d{4}-\d\d-\d\dT/);
});

test('secrets do not reach the output at the depths at which we log', () => {
  const output = collect();
  const logger = createLogger({ service: 'sample', level: 'info', destination: output });
  const secrets = { token: 'geheim', sid: 'geheim', secret: 'geheim', password: 'geheim' };
  logger.info(
    { ...secrets, session: secrets, call: { headers: { authorization: 'geheim' } } },
    'session.changed',
  );
  assert.doesNotMatch(JSON.stringify(output.lines), /geheim/);
});

test('a fault is logged with its facts and causes', () => {
  const output = collect();
  const logger = createLogger({ service: 'sample', level: 'info', destination: output });
  const fault = new Fault('gone', {
    kind: 'transient',
    code: 'DB_UNAVAILABLE',
    stage: 'commit',
    cause: new Error('ECONNREFUSED'),
  });
  logger.error({ err: fault }, 'commit.failed');
  const err = output.lines[0]?.['err'] as Record<string, unknown>;
  assert.equal(err['code'], 'DB_UNAVAILABLE');
  assert.equal(err['category'], 'network');
  assert.equal((err['cause'] as Record<string, unknown>)['message'], 'ECONNREFUSED');
});
