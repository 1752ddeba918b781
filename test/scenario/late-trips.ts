// Data beyond grace on a finished system: from the late page to the verdict and the ERP's row.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ProposalChanged } from '@waybill/contracts';
import { until } from '@waybill/testkit';
import { call } from '../demo/http.ts';
import { untilQuiet } from '../demo/quiet.ts';
import type { System } from '../demo/system.ts';
import { EVERY_S, FIXES, MOVING, PUSHED, TENANT, UNIT, type LateTenant } from './late-tenant.ts';
import type { Finished } from './run-once.ts';

const run = promisify(execFile);
const CLI = new URL('../../packages/cli/src/main.ts', import.meta.url).pathname;
const PATIENT = { deadlineMs: 60_000, everyMs: 50 };
const HOUR_S = 3600;

/** Two drives of two business days of Los Angeles. */
const LATE = ['2008-05-21T02:08:00Z', '2008-05-21T20:08:00Z'].map((at) => Date.parse(at) / 1000);

async function detect(system: System, ...args: readonly string[]): Promise<string> {
  const command = [CLI, 'detect', ...args, '--console', system.url('console')];
  return (await run(process.execPath, command)).stdout;
}

async function proposalsOf(system: System, of: string): Promise<readonly ProposalChanged[]> {
  const [tenant = '', unit] = of.split('/');
  const query = new URLSearchParams(unit === undefined ? { tenant } : { tenant, unit });
  type Answer = { readonly proposals: readonly ProposalChanged[] };
  return (await call<Answer>(`${system.url('console')}/proposals?${query.toString()}`)).proposals;
}

/** Waits until the proposals of a unit stand as expected, by business day. */
async function untilProposals(
  system: System,
  of: string,
  expected: readonly string[],
): Promise<readonly ProposalChanged[]> {
  let found: readonly ProposalChanged[] = [];
  const states = (): readonly string[] =>
    found.map(({ business_date: date, status }) => `${date} ${status}`);
  await until(
    `proposals ${expected.join()}`,
    async () => {
      found = await proposalsOf(system, of);
      return expected.every((state) => states().includes(state));
    },
    PATIENT,
  ).catch((error: unknown) => assert.fail(`${String(error)}; found ${states().join()}`));
  return found;
}

interface Counts {
  readonly tenants: readonly {
    readonly tenant_id: string;
    readonly beyond_grace: { readonly open_tasks: number; readonly fixes: number };
  }[];
}

async function openTasks(system: System): Promise<readonly number[]> {
  const { tenants } = await call<Counts>(`${system.url('reconciler')}/report?tenant=${TENANT}`);
  const { open_tasks: tasks = 0, fixes = 0 } = tenants[0]?.beyond_grace ?? {};
  return [tasks, fixes];
}

/**
 * Two trips arrive 7 h after they happened. Nothing changes but tasks; an operator asks for the range,
 * accepts one proposal and rejects the other.
 */
export async function checkLateTrips(system: System, tenant: LateTenant): Promise<void> {
  const [first = 0, second = 0] = LATE;
  const of = `${TENANT}/${UNIT}`;
  await tenant.progress(second + 8 * HOUR_S);
  for (const at of LATE) await tenant.drive(at, 7 * HOUR_S);
  await until(
    'two tasks',
    async () => (await openTasks(system)).join() === [2, 2 * FIXES].join(),
    PATIENT,
  );
  await tenant.progress(second + 24 * HOUR_S);
  const before = await tenant.rows();
  const range = `${new Date((first - HOUR_S) * 1000).toISOString()}/${new Date((second + HOUR_S) * 1000).toISOString()}`;

  await detect(system, 'recompute', of, range, '--way', 'raw', '--preview');
  await untilProposals(system, of, ['2008-05-20 PREVIEW', '2008-05-21 PREVIEW']);
  await detect(system, 'recompute', of, range, '--way', 'raw');
  const pending = await untilProposals(system, of, ['2008-05-20 PENDING', '2008-05-21 PENDING']);
  assert.match(await detect(system, 'proposals', of, '--status', 'pending'), /2008-05-21/);
  assert.deepEqual(await tenant.rows(), before, 'nothing changes before a verdict');
  const [wanted, unwanted] = pending.map(({ proposal_id: id }) => id);
  await detect(system, 'accept', wanted ?? '', '--by', 'ann');
  await detect(system, 'reject', unwanted?.slice(0, 8) ?? '');
  await untilProposals(system, of, ['2008-05-20 ACCEPTED', '2008-05-21 REJECTED']);
  await until('the row', async () => (await tenant.rows()).length > before.length, PATIENT);
  await untilQuiet(system, new Map());
  const rows = await tenant.rows();
  assert.deepEqual(rows.slice(0, before.length), before, 'no other row was touched');
  assert.deepEqual(
    rows
      .slice(before.length)
      .map((row) => [row.start_time.getTime() / 1000, row.duration_s, row.distance_km]),
    [[first, MOVING * EVERY_S, '2.22']],
  );
  assert.deepEqual(tenant.causes().at(-1), 'accepted_late');
  await until('no open task', async () => (await openTasks(system)).join() === '0,0', PATIENT);
}

/** Fixes of the tenant beyond grace that its hours count: these are said when T moves. */
async function countedLate(system: System): Promise<number> {
  const address = `${system.url('reconciler')}/completeness?tenant=${TENANT}&hours=960`;
  const { hours } = await call<Hours>(address);
  return hours.reduce((sum, { beyond_grace_fixes: late }) => sum + late, 0);
}

/**
 * By rule: a unit pushes what it did hours ago. It is asked for once, 15 min of T after the last of it; what
 * comes after that makes a newer proposal of the day, which takes the place of the one before.
 */
export async function checkQuietDay(system: System, tenant: LateTenant): Promise<void> {
  const [, second = 0] = LATE;
  const day = second + 3 * HOUR_S;
  const clock = second + 24 * HOUR_S;
  const before = await tenant.rows();
  const alreadyLate = await countedLate(system);
  let drives = 0;
  /** A drive that comes so many minutes after T0, and T ten minutes later. */
  const late = async (minute: number): Promise<void> => {
    await tenant.push(day + (drives * HOUR_S) / 2, clock + minute * 60);
    drives += 1;
    const tasks = [1, drives * FIXES].join();
    await until('the task', async () => (await openTasks(system)).join() === tasks, PATIENT);
    await tenant.progress(clock + (minute + 10) * 60);
    const counted = alreadyLate + drives * FIXES;
    await until('T to pass', async () => (await countedLate(system)) === counted, PATIENT);
  };
  const of = `${TENANT}/${PUSHED}`;
  await tenant.applyRecompute();
  await late(1);
  await late(11);
  await tenant.progress(clock + 25 * 60);
  await tenant.progress(clock + 26 * 60);
  const [older] = await untilProposals(system, of, ['2008-05-21 PENDING']);
  const [wanted, ...more] = tenant.proposed().filter(({ status }) => status === 'WANTED');
  assert.deepEqual(
    [wanted?.late_fixes, wanted?.changed_time, more],
    [2 * FIXES, (clock + 26 * 60) * 1000, []],
    'asked once for both, 15 min after the second',
  );
  // Nothing is known of the time before the first position, so the first drive is not judged, and that is said.
  assert.equal(older?.changes.length, 1);
  assert.match(older.reason ?? '', /^1 facts begin before what was read; ask for more/);

  await late(30);
  await tenant.progress(clock + 45 * 60);
  let newer: ProposalChanged | undefined;
  await until(
    'a newer proposal',
    async () => {
      [newer] = await proposalsOf(system, of);
      return newer?.status === 'PENDING' && newer.changes.length === 2;
    },
    PATIENT,
  );
  await assert.rejects(detect(system, 'accept', older.proposal_id), 'replaced');
  await detect(system, 'accept', newer?.proposal_id ?? '');
  await until('rows', async () => (await tenant.rows()).length === before.length + 2, PATIENT);
  const causes = (): string => tenant.causes().slice(-2).join();
  await until('causes', () => causes() === 'accepted_late,accepted_late', PATIENT);
  await until('no open task', async () => (await openTasks(system)).join() === '0,0', PATIENT);
}

interface Hours {
  readonly hours: readonly {
    readonly fixes: number;
    readonly beyond_grace_fixes: number;
    readonly units_heard: number;
    readonly idle: string;
    readonly final: boolean;
  }[];
}

/** The hours of a tenant together are what the ledger counted position by position. */
export async function checkCompleteness({ system, report, verdict }: Finished): Promise<void> {
  const tenant = 'bay-cabs';
  const address = `${system.url('reconciler')}/completeness?tenant=${tenant}&hours=960`;
  const expected = verdict.expectation.tenants[tenant]?.counts;
  const { hours } = await call<Hours>(address);
  const sum = (field: 'fixes' | 'beyond_grace_fixes'): number =>
    hours.reduce((total, hour) => total + hour[field], 0);
  assert.equal(sum('beyond_grace_fixes'), expected?.beyond_grace);
  const refused = (expected?.future ?? 0) + (expected?.ancient ?? 0);
  const positions = report.tenants.find((each) => each.tenant === tenant)?.report.positions;
  assert.equal(sum('fixes') + sum('beyond_grace_fixes') + refused, positions?.distinct);
  assert.ok(hours.some(({ final }) => final));
  assert.deepEqual([...new Set(hours.map(({ idle }) => idle))], ['NOT_WANTED']);
}

/**
 * By rule: the tenant's late days are read again from the provider by the extractor. The recording's
 * late positions differ from what was published by some days, or not at all.
 */
export async function checkLateDays({ system, verdict }: Finished): Promise<void> {
  const late = Object.entries(verdict.expectation.tenants).find(
    ([, { counts }]) => counts.tasks > 0,
  );
  assert.ok(late);
  const [tenant, { counts }] = late;
  const dir = join(system.tenantsDir, tenant);
  const file = join(dir, 'tenant.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('closed_period:', 'beyond_grace: recompute\n  closed_period:'));
  await call(`${system.url('console')}/tenants/${tenant}/apply`, { dir });
  let found: readonly ProposalChanged[] = [];
  await until(
    'the late days to be read again',
    async () => {
      found = await proposalsOf(system, tenant);
      return found.length >= counts.tasks && found.every(({ status }) => status !== 'WANTED');
    },
    PATIENT,
  );
  for (const { status, fixes, reason } of found) {
    assert.ok(status === 'PENDING' || status === 'EMPTY', `${status}: ${reason}`);
    assert.ok(fixes > 0);
  }
  for (const { proposal_id: id, status } of found) {
    if (status === 'PENDING') await detect(system, 'accept', id);
  }
  await until(
    'the verdicts',
    async () => (await proposalsOf(system, tenant)).every(({ status }) => status !== 'PENDING'),
    PATIENT,
  );
  await untilQuiet(system, new Map());
  const { gaps, drift } = await call<{ gaps: unknown[]; drift: unknown[] }>(
    `${system.url('reconciler')}/reconcile`,
    { tenant },
  );
  assert.deepEqual([gaps, drift], [[], []]);
}
