import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readScenario } from '@waybill/wialon-twin';
import { planKills } from '../demo/faults.ts';
import { serviceNames } from '../demo/system.ts';
import { judge } from '../demo/verdict.ts';
import { openLateTenant } from './late-tenant.ts';
import { checkCompleteness, checkLateDays, checkLateTrips, checkQuietDay } from './late-trips.ts';
import {
  checkBackfill,
  checkDeadLetters,
  checkIdling,
  checkPlan,
  checkRange,
  checkRepeats,
} from './rework.ts';
import { runOnce } from './run-once.ts';

const run = promisify(execFile);
const speed = 2500;
const { duration_s: duration } = readScenario('short');

test('without faults every ERP row is as expected, and one wrong row is found', async (t) => {
  await runOnce({ scenario: 'short', seed: 1, speed }, async (finished) => {
    const { system, scenario, result, report } = finished;
    assert.deepEqual(report.problems, []);
    assert.equal(result.forgedStatus, 401);
    assert.equal(result.dispatch.refused, 0);

    const erp = system.erp.get('bay-cabs');
    assert.ok(erp);
    // Changes behind the ERP's back: its own lock would refuse them on closed days.
    const tamper = async (change: string, undo: string): Promise<readonly string[]> => {
      await erp.query(`set session_replication_role = replica; ${change}`);
      const { problems } = await judge(system, scenario);
      await erp.query(`set session_replication_role = replica; ${undo}`);
      return problems;
    };
    await erp.query(
      'create table kept as select * from erp.trip where not withdrawn order by trip_no limit 1',
    );
    const columns = 'overriding system value select * from kept';
    await t.test('a deleted row', async () => {
      const problems = await tamper(
        'delete from erp.trip where trip_no in (select trip_no from kept)',
        `insert into erp.trip ${columns}`,
      );
      assert.match(problems.join('\n'), /1 trips missing/);
    });
    await t.test('an edited row', async () => {
      const problems = await tamper(
        'update erp.trip set distance_km = distance_km + 0.01 where trip_no in (select trip_no from kept)',
        'update erp.trip set distance_km = distance_km - 0.01 where trip_no in (select trip_no from kept)',
      );
      assert.match(problems.join('\n'), /1 trips missing[^]*1 trips not expected/);
    });
    await t.test('a doubled row', async () => {
      const problems = await tamper(
        `insert into erp.trip overriding system value select (jsonb_populate_record(kept, jsonb_build_object(
           'trip_no', -1, 'trip_ref', trip_ref || 'x', 'event_ref', event_ref || 'x'))).* from kept`,
        'delete from erp.trip where trip_no = -1',
      );
      assert.match(problems.join('\n'), /1 trips not expected/);
    });
    assert.deepEqual((await judge(system, scenario)).problems, []);
    await t.test('the hours of a tenant add up to its positions', () =>
      checkCompleteness(finished),
    );
    const late = await openLateTenant(finished);
    try {
      await t.test('reworked dead letters become rows, and newer rows stay', () =>
        checkDeadLetters(system, late),
      );
      await t.test('reworked again they change nothing, and a record at most five times', () =>
        checkRepeats(system, late),
      );
      await t.test('the plan of the ERP names the drivers of its trips', () => checkPlan(late));
      await t.test('trips 7 h late become proposals; accepted rows, rejected nothing', () =>
        checkLateTrips(system, late),
      );
      await t.test(
        'late drives are asked for once, when it is quiet; newer proposals replace older',
        () => checkQuietDay(system, late),
      );
      await t.test('what the engine said while standing is a row too', () =>
        checkIdling(system, late),
      );
      await t.test('a reworked range of raw pages changes no row', () => checkRange(finished));
      await t.test('a range that is read again from the provider changes no row', () =>
        checkBackfill(finished),
      );
      await t.test('late days are read again from the provider by rule', () =>
        checkLateDays(finished),
      );
    } finally {
      await late.close();
    }
    await t.test('the curl for senders is accepted', async () => {
      const page = new URL('../../services/ingest/EVENTS.md', import.meta.url);
      const script = /```sh\n(secret=[\s\S]*?)```/.exec(readFileSync(page, 'utf8'))?.[1];
      assert.ok(script);
      const { stdout } = await run('sh', ['-c', script], {
        env: {
          PATH: process.env['PATH'],
          WEBHOOK_URL: system.webhookUrl,
          WEBHOOK_SECRET_FILE: system.webhookSecretFile,
        },
      });
      assert.match(stdout, /^HTTP\/1\.1 200 OK[\s\S]*\{"accepted":"evt_120"\}$/);
    });
  });
});

test('each service killed once with lag above zero changes no row', async () => {
  const faults = planKills(2, serviceNames, duration, 1);
  await runOnce(
    { scenario: 'short', seed: 2, speed, faults },
    async ({ result, report, system }) => {
      assert.equal(result.faults, serviceNames.length);
      for (const service of system.services.values()) {
        assert.ok(service.restarts() >= 1, `${service.name} was not killed`);
      }
      assert.deepEqual(report.problems, []);
    },
  );
});

test('all services killed at once change no row', async () => {
  const faults = planKills(3, ['all'], duration, 1);
  await runOnce({ scenario: 'short', seed: 3, speed, faults }, async ({ report }) => {
    assert.deepEqual(report.problems, []);
  });
});
