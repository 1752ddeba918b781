import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { madeUpFleets } from '../made-up.ts';
import { startTwin } from '../twin.ts';
import { faultKinds } from './order-fault.ts';
import { readFaultScript } from './script-file.ts';

const scenario = madeUpFleets({
  accounts: ['fleet'],
  fleet: { units: 20, every_s: 5 },
  baseTime: '2025-01-06T00:00:00Z',
  durationS: 3600,
});

function fileWith(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'wialon-script-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'faults.json');
  writeFileSync(file, content);
  return file;
}

test('the script that is shipped has every kind of fault, and each of them can be carried out', async (t) => {
  const faults = readFaultScript(new URL('../../scenarios/faults.json', import.meta.url).pathname);
  assert.deepEqual(new Set(faults.map(({ kind }) => kind)), new Set(faultKinds));
  const twin = await startTwin({ scenario, seed: 7, speed: 1, virtual: true, faults });
  t.after(() => twin.close());
  twin.advance(3600);
  // Any request carries out what is due.
  await twin.ask('/avl_evts', 'sid=none');
  const { script_failed: failed, faults_pending: pending } = twin.calls();
  assert.deepEqual(failed, []);
  assert.equal(pending, faults.filter(({ svc }) => svc !== undefined).length);
});

test('what is wrong with a script is told with its line, and what would be right', async (t) => {
  const cases: readonly (readonly [content: string, message: RegExp])[] = [
    ['[\n  {"at_s": 1,}\n]', /faults\.json is no JSON: .*line 2/],
    ['{"at_s": 1}', /faults\.json must be a list of orders, such as \[\{/],
    ['[\n\n5]', /faults\.json, line 3: expected an object/],
    ['[{"kind": "cut", "svc": "*"}]', /faults\.json, line 1: at_s \(seconds after the start\)/],
    [
      '[\n{"at_s": 1, "kind": "expire_sessions"},\n{"at_s": 1, "kind": "boom"}]',
      /faults\.json, line 3: kind must be one of .*; found boom/,
    ],
    [
      '[\n{"at_s": 1, "kind": "error", "svc": "*", "code": 1, "reason": "a \\"] }, { [b"}\n,\n{"at_s": 2, "kind": "cut", "svc": "avl_events"}]',
      /line 4: svc must be \* or one of .*avl_evts.*; found avl_events/,
    ],
    ['[{"at_s": -1, "kind": "cut", "svc": "*"}]', /line 1: at_s must be a whole number from 0 on/],
  ];
  for (const [content, message] of cases) {
    const file = fileWith(t, content);
    const read = async (): Promise<unknown> =>
      startTwin({ scenario, seed: 7, speed: 1, faults: readFaultScript(file) });
    await assert.rejects(read, { message }, content);
  }
  assert.throws(() => readFaultScript('nowhere.json'), /nowhere\.json cannot be read \(ENOENT\)/);
});
