import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Fault, isFault } from '@waybill/fault';
import { testPostgres, type TestPostgres } from '@waybill/testkit';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { createPostgresErp } from './postgres-adapter.ts';
import {
  revision,
  tripFact,
  visitFact,
  type TripVersion,
  type VisitVersion,
} from './testing/facts.ts';
import { openTenantErp, SETTINGS, type TenantErp, type TenantName } from './testing/tenant-erp.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let server: TestPostgres;
before(async () => {
  server = await testPostgres();
});
after(() => server.stop());

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => assert.fail('expected a fault'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isFault(error), String(error));
  return error;
}

for (const tenant of Object.keys(SETTINGS) as TenantName[]) {
  describe(tenant, () => {
    let t: TenantErp;
    let counter = 0;
    const { zone, noon, dates, vehicles, sites } = SETTINGS[tenant];
    before(async () => {
      t = await openTenantErp(tenant, await server.createDatabase());
    });
    after(() => t.stop());

    /** A trip of 30 minutes from noon of the first date. */
    function trip(change: Partial<TripVersion> = {}): TripVersion {
      counter += 1;
      return {
        id: `trip-${counter}`,
        vehicle: vehicles[0],
        start: noon,
        end: noon + 30 * MINUTE,
        distanceKm: 12.34,
        ...change,
      };
    }

    async function effective(id: string) {
      const record = await t.erp.lookup('trip', id);
      assert.ok(record, `no record of ${id}`);
      return record;
    }

    test('a new trip is inserted, with every value readable in contract terms', async () => {
      const version = trip();
      const result = await t.erp.write(tripFact(version, zone), revision(5));
      assert.equal(result.outcome, 'INSERTED');
      assert.equal(result.key, version.id);
      const record = await effective(version.id);
      assert.equal(record.present, true);
      assert.deepEqual(record.triple, revision(5));
      assert.equal(record.fields['vehicle_id'], vehicles[0]);
      assert.equal(record.fields['start_time'], version.start);
      assert.equal(record.fields['end_time'], version.end);
      assert.equal(record.fields['duration_s'], 1800);
      assert.equal(record.fields['distance_km'], 12.34);
      assert.equal(record.fields['business_date'], dates[0]);
    });

    test('a newer revision updates, an older one is superseded, an equal one is a duplicate', async () => {
      const version = trip();
      await t.erp.write(tripFact(version, zone), revision(5));
      const longer = { ...version, end: version.end + MINUTE, distanceKm: 13 };
      const updated = await t.erp.write(tripFact(longer, zone), revision(6));
      assert.equal(updated.outcome, 'UPDATED');
      assert.deepEqual(updated.changedFields.toSorted(), ['distance_km', 'duration_s', 'end_time']);
      const old = await t.erp.write(tripFact(version, zone), revision(5, 9));
      assert.equal(old.outcome, 'SUPERSEDED');
      const again = await t.erp.write(tripFact(longer, zone), revision(6));
      assert.equal(again.outcome, 'UNCHANGED');
      assert.equal(again.duplicate, true);
      assert.equal((await effective(version.id)).fields['distance_km'], 13);
    });

    test('a newer revision without a difference keeps its triple and counts as unchanged', async () => {
      const version = trip();
      await t.erp.write(tripFact(version, zone), revision(5));
      const result = await t.erp.write(tripFact(version, zone), revision(8));
      assert.equal(result.outcome, 'UNCHANGED');
      assert.deepEqual((await effective(version.id)).triple, revision(8));
      const older = await t.erp.write(tripFact({ ...version, distanceKm: 1 }, zone), revision(7));
      assert.equal(older.outcome, 'SUPERSEDED');
    });

    test('a retracted trip is marked, and comes back with a newer revision', async () => {
      const version = trip();
      await t.erp.write(tripFact(version, zone), revision(1));
      const gone = await t.erp.write(tripFact({ ...version, retracted: true }, zone), revision(2));
      assert.equal(gone.outcome, 'RETRACTED');
      assert.equal((await effective(version.id)).present, false);
      const back = await t.erp.write(tripFact(version, zone), revision(3));
      assert.equal(back.outcome, 'UPDATED');
      assert.equal((await effective(version.id)).present, true);
    });

    test('a late fact of a closed day becomes an addition in the earliest open day', async () => {
      await t.close(dates[0]);
      const version = trip();
      const result = await t.erp.write(tripFact(version, zone), revision(1));
      assert.equal(result.outcome, 'AMENDED');
      assert.deepEqual(result.amendments, ['addition']);
      const { rows } = await t.pool.query<{ booked: string }>(
        `SELECT ${t.settings.bookedColumn}::text AS booked FROM ${t.settings.amendmentTable} ORDER BY ${t.settings.bookedColumn} LIMIT 1`,
      );
      assert.equal(rows[0]?.booked, dates[1]);
      const record = await effective(version.id);
      assert.equal(record.present, true);
      assert.equal(record.fields['distance_km'], 12.34);
      assert.equal(record.fields['business_date'], dates[0]);
      const again = await t.erp.write(tripFact(version, zone), revision(1));
      assert.equal(again.duplicate, true);
      assert.deepEqual(again.amendments, ['addition']);
      await t.reopenAll();
    });

    test('a changed fact of a closed day is corrected by its difference, the row stays', async () => {
      const version = trip();
      await t.erp.write(tripFact(version, zone), revision(1));
      await t.close(dates[0]);
      const longer = { ...version, end: version.end + 5 * MINUTE, distanceKm: 15 };
      const result = await t.erp.write(tripFact(longer, zone), revision(2));
      assert.deepEqual(result.amendments, ['correction']);
      assert.deepEqual(result.changedFields.toSorted(), ['distance_km', 'duration_s', 'end_time']);
      const record = await effective(version.id);
      assert.equal(record.fields['distance_km'], 15);
      assert.equal(record.fields['duration_s'], 2100);
      assert.equal(record.fields['end_time'], longer.end);
      const same = await t.erp.write(tripFact(longer, zone), revision(3));
      assert.equal(same.outcome, 'UNCHANGED');
      const gone = await t.erp.write(tripFact({ ...longer, retracted: true }, zone), revision(4));
      assert.deepEqual(gone.amendments, ['reversal']);
      assert.equal((await effective(version.id)).present, false);
      const canonical = await t.canonical('trips');
      assert.ok(!canonical.some((row) => String(row['distance_km']) === '15.00'));
      await t.reopenAll();
    });

    test('a vehicle that changes on a closed day is reversed and added', async () => {
      const version = trip();
      await t.erp.write(tripFact(version, zone), revision(1));
      await t.close(dates[0]);
      const moved = { ...version, vehicle: vehicles[1] };
      const result = await t.erp.write(tripFact(moved, zone), revision(1, 2));
      assert.equal(result.outcome, 'AMENDED');
      assert.deepEqual(result.amendments, ['reversal', 'addition']);
      const record = await effective(version.id);
      assert.equal(record.fields['vehicle_id'], vehicles[1]);
      assert.equal(record.fields['distance_km'], 12.34);
      await t.reopenAll();
    });

    test('a trip that moves from an open day into a closed one leaves its row and is added', async () => {
      const start = noon + DAY;
      const version = trip({ start, end: start + 20 * MINUTE });
      await t.erp.write(tripFact(version, zone), revision(1));
      await t.close(dates[0]);
      const earlier = { ...version, start: noon, end: noon + 10 * MINUTE };
      const result = await t.erp.write(tripFact(earlier, zone), revision(2));
      assert.deepEqual(result.amendments, ['addition']);
      const record = await effective(version.id);
      assert.equal(record.fields['business_date'], dates[0]);
      assert.equal(record.fields['duration_s'], 600);
      await t.reopenAll();
    });

    test('a day without a period row is for a person to decide, and nothing is written', async () => {
      const version = trip({ start: noon + 300 * DAY, end: noon + 300 * DAY + MINUTE });
      const result = await t.erp.write(tripFact(version, zone), revision(1));
      assert.equal(result.outcome, 'MANUAL');
      assert.equal(result.reason, 'PERIOD_MISSING');
      assert.equal(await t.erp.lookup('trip', version.id), undefined);
    });

    test('without any open day there is nowhere to book, and nothing is written', async () => {
      const start = noon + 2 * DAY;
      const version = trip({ start, end: start + MINUTE });
      await t.erp.write(tripFact(version, zone), revision(1));
      const { rows } = await t.pool.query<{ date: string }>(
        `SELECT p::text AS date FROM unnest($1::date[]) AS p`,
        [(await t.erp.periods()).map(({ date }) => date)],
      );
      for (const { date } of rows) await t.close(date);
      const longer = { ...version, distanceKm: 99 };
      const result = await t.erp.write(tripFact(longer, zone), revision(2));
      assert.equal(result.reason, 'NO_OPEN_PERIOD');
      assert.equal((await effective(version.id)).amendments, 0);
      for (const { date } of rows) await t.pool.query(t.settings.reopen, [date]);
    });

    test('the ERP itself refuses to touch a row of a closed day', async () => {
      await t.erp.write(tripFact(trip(), zone), revision(1));
      await t.close(dates[0]);
      await assert.rejects(t.pool.query(`DELETE FROM ${t.settings.tripTable}`), /closed|locked/);
      await t.reopenAll();
    });

    test('a closing while the write waits is decided by the ERP: the fact is amended', async () => {
      const version = trip();
      const closing = new Client({ connectionString: t.pool.options.connectionString ?? '' });
      await closing.connect();
      await closing.query('BEGIN');
      await closing.query(t.settings.close, [dates[0]]);
      const writing = t.erp.write(tripFact(version, zone), revision(1));
      await closing.query('COMMIT');
      await closing.end();
      assert.deepEqual((await writing).amendments, ['addition']);
      await t.reopenAll();
    });

    test('a lock that the period table does not show is believed: the fact is amended', async () => {
      const [schema, table] = t.settings.tripTable.split('.');
      await t.pool.query(
        `CREATE FUNCTION ${schema}.hidden_lock() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'books are closed'; END $$;
         CREATE TRIGGER a_hidden_lock BEFORE INSERT OR UPDATE ON ${schema}.${table}
         FOR EACH ROW EXECUTE FUNCTION ${schema}.hidden_lock()`,
      );
      try {
        const version = trip();
        const result = await t.erp.write(tripFact(version, zone), revision(1));
        assert.deepEqual(result.amendments, ['addition']);
        assert.equal((await effective(version.id)).fields['distance_km'], 12.34);
      } finally {
        await t.pool.query(
          `DROP TRIGGER a_hidden_lock ON ${schema}.${table}; DROP FUNCTION ${schema}.hidden_lock()`,
        );
      }
    });

    test('a held table lock is transient, an unknown vehicle refused, neither writes', async () => {
      const holder = await t.pool.connect();
      await holder.query('BEGIN');
      await holder.query(`LOCK TABLE ${t.settings.tripTable} IN ACCESS EXCLUSIVE MODE`);
      const locked = await faultOf(t.erp.write(tripFact(trip(), zone), revision(1)));
      assert.deepEqual([locked.kind, locked.code], ['transient', 'DB_BUSY']);
      await holder.query('ROLLBACK');
      holder.release();
      const unknown = await faultOf(
        t.erp.write(tripFact(trip({ vehicle: 'NOBODY' }), zone), revision(1)),
      );
      assert.deepEqual([unknown.kind, unknown.code], ['refused', 'DB_CONSTRAINT']);
    });

    test('a column that the ERP does not have is a misconfiguration', async () => {
      const erp = createPostgresErp({
        url: t.pool.options.connectionString ?? '',
        zone,
        mappings: [
          {
            entity: 'transport_order',
            table: t.settings.tripTable,
            key: { no_such_column: { from: 'entity_id', as: 'text' } },
            columns: { miles_or_km: { from: 'status', as: 'text' } },
            triple: { revision: 'a', activation: 'b', resolution: 'c' },
            mode: 'update',
          },
        ],
      });
      const fault = await faultOf(
        erp.write(
          { entity: 'transport_order', eventId: 'e', entityId: 'o', retracted: false, fields: {} },
          revision(1),
        ),
      );
      assert.deepEqual([fault.kind, fault.code], ['misconfigured', 'DB_SCHEMA']);
      await erp.close();
    });

    test('writers of one record at once leave the newest revision, once', async () => {
      const version = trip();
      await Promise.all(
        [3, 1, 5, 2, 4, 5].map((n) =>
          t.erp.write(tripFact({ ...version, distanceKm: n }, zone), revision(n)),
        ),
      );
      const record = await effective(version.id);
      assert.deepEqual(record.triple, revision(5));
      assert.equal(record.fields['distance_km'], 5);
    });

    test('a visit that was entered before the closing is left by a correction', async () => {
      const visit: VisitVersion = {
        id: `visit-${(counter += 1)}`,
        vehicle: vehicles[0],
        site: sites[0],
        entered: noon,
        left: null,
      };
      await t.erp.write(visitFact(visit, zone), revision(1));
      const open = (await t.canonical('visits')).find((row) => row['site_id'] === sites[0]);
      assert.equal(open?.['dwell_s'], null);
      await t.close(dates[0]);
      const left = { ...visit, left: noon + 45 * MINUTE };
      const result = await t.erp.write(visitFact(left, zone), revision(2));
      assert.deepEqual(result.amendments, ['correction']);
      const row = (await t.canonical('visits')).find((row) => row['site_id'] === sites[0]);
      assert.equal(row?.['dwell_s'], 2700);
      assert.deepEqual(row?.['left_time'], new Date(left.left));
      await t.reopenAll();
    });

    test('property: row + amendments = newest version, whatever closes in between', async () => {
      const change = fc.record({
        vehicle: fc.constantFrom(...vehicles),
        /** Steps of 6 h over two days, so that dates change. */
        start: fc.integer({ min: 0, max: 7 }),
        minutes: fc.integer({ min: 1, max: 300 }),
        hundredths: fc.integer({ min: 0, max: 20_000 }),
        retracted: fc.boolean(),
        close: fc.option(fc.constantFrom(dates[0], dates[1], dates[2]), { nil: undefined }),
        repeat: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 7 }), async (changes) => {
          await t.reopenAll();
          const id = `property-${(counter += 1)}`;
          let last: TripVersion | undefined;
          for (const [n, c] of changes.entries()) {
            const start = noon - 9 * 60 * MINUTE + c.start * 6 * 60 * MINUTE;
            last = {
              id,
              vehicle: c.vehicle,
              start,
              end: start + c.minutes * MINUTE,
              distanceKm: c.hundredths / 100,
              retracted: c.retracted,
            };
            const fact = tripFact(last, zone);
            await t.erp.write(fact, revision(n + 1));
            if (c.repeat) await t.erp.write(fact, revision(n + 1));
            if (c.close !== undefined) await t.close(c.close);
          }
          assert.ok(last);
          const record = await t.erp.lookup('trip', id);
          if (last.retracted === true) {
            assert.notEqual(record?.present, true);
            return;
          }
          assert.ok(record?.present);
          const { fields } = record;
          assert.deepEqual(
            [fields['vehicle_id'], fields['start_time'], fields['end_time']],
            [last.vehicle, last.start, last.end],
          );
          assert.equal(fields['distance_km'], last.distanceKm);
          assert.equal(fields['duration_s'], (last.end - last.start) / 1000);
          assert.equal(fields['business_date'], tripFact(last, zone).fields['business_date']);
        }),
        { numRuns: 60 },
      );
      await t.reopenAll();
      // The tenant's own SQL sees the same as the adapter.
      const records = (await t.erp.digest('trip')).filter(({ present }) => present);
      const rows = await t.canonical('trips');
      const line = (...parts: readonly unknown[]): string => parts.map(String).join(' ');
      assert.deepEqual(
        rows
          .map((row) =>
            line(
              row['vehicle_id'],
              Number(row['start_time']),
              Number(row['end_time']),
              row['duration_s'],
              Number(row['distance_km']),
              row['business_date'],
            ),
          )
          .toSorted(),
        records
          .map(({ fields: f }) =>
            line(
              f['vehicle_id'],
              f['start_time'],
              f['end_time'],
              f['duration_s'],
              f['distance_km'],
              f['business_date'],
            ),
          )
          .toSorted(),
      );
    });
  });
}

test('an order advances when it is there, and never backwards', async () => {
  const t = await openTenantErp('bay-cabs', await server.createDatabase());
  const order = (entityId: string, status: string, time: number) =>
    t.erp.write(
      {
        entity: 'transport_order',
        eventId: `${entityId}-${status}`,
        entityId,
        retracted: false,
        fields: { entity_id: entityId, status, event_time: new Date(time) },
      },
      revision(time),
    );
  assert.equal((await order('ORD-1001', 'arrived', 2000)).outcome, 'UPDATED');
  assert.equal((await order('ORD-1001', 'started', 1000)).outcome, 'SUPERSEDED');
  assert.equal((await order('NO-SUCH', 'started', 1000)).outcome, 'MISSING');
  assert.deepEqual(await t.canonical('orders'), [
    { order_ref: 'ORD-1001', status: 'arrived', status_time: new Date(2000) },
  ]);
  await checkPlans(t);
  await t.stop();
});

/** The same server has to start for it: who is planned, in instants and in local times. */
async function checkPlans({ pool, url }: TenantErp): Promise<void> {
  await pool.query(`CREATE TABLE erp.roster (cab text, driver_id text, begins timestamptz,
      ends timestamptz, begins_local timestamp, ends_local timestamp, order_ref text);
    INSERT INTO erp.roster VALUES
      ('CAB-2', 'DRV-1', '2008-05-20 15:00Z', NULL, '2008-05-20 08:00', NULL, NULL),
      ('CAB-1', 'DRV-2', '2008-05-20 15:00Z', '2008-05-20 23:00Z', '2008-05-20 08:00', '2008-05-20 16:00', 'ORD-1'),
      ('CAB-1', NULL, '2008-05-21 15:00Z', NULL, '2008-05-21 08:00', NULL, NULL)`);
  const columns = { table: 'erp.roster', vehicle: 'cab', driver: 'driver_id', order: 'order_ref' };
  const from = Date.parse('2008-05-20T15:00:00Z');
  for (const times of [
    { from: 'begins', to: 'ends', times: 'instant' },
    { from: 'begins_local', to: 'ends_local', times: 'local' },
  ] as const) {
    const driverPlan = { ...columns, ...times };
    const erp = createPostgresErp({ url, zone: 'America/Los_Angeles', mappings: [], driverPlan });
    assert.deepEqual(await erp.plannedDrivers(), [
      {
        ...{ vehicleId: 'CAB-1', driver: 'DRV-2', orderId: 'ORD-1' },
        ...{ fromTime: from, toTime: from + 8 * 60 * MINUTE },
      },
      { vehicleId: 'CAB-2', driver: 'DRV-1', orderId: null, fromTime: from, toTime: null },
    ]);
    await erp.close();
  }
  const driverPlan = { ...columns, from: 'begins', to: 'no_such', times: 'instant' } as const;
  const wrong = createPostgresErp({ url, zone: 'UTC', mappings: [], driverPlan });
  assert.equal((await faultOf(wrong.plannedDrivers())).code, 'DB_SCHEMA');
  await wrong.close();
  const none = createPostgresErp({ url, zone: 'UTC', mappings: [] });
  assert.deepEqual(await none.plannedDrivers(), []);
  await none.close();
}
