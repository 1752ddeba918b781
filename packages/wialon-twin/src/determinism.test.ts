import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { readFaultScript } from './faults/script-file.ts';
import { madeUpFleets } from './made-up.ts';
import { tokenOf } from './token.ts';
import { startTwin } from './twin.ts';

const UNIT = 100_001;
const script = new URL('../scenarios/faults.json', import.meta.url).pathname;
const fleet = {
  units: 20,
  every_s: 5,
  history_s: 600,
  late_share: 0.1,
  late_max_s: 600,
  repeat_share: 0.05,
};

/** What a client of ten minutes sees, byte by byte: it logs in anew whenever its session is gone. */
async function seen(t: TestContext, seed: number): Promise<string[]> {
  const twin = await startTwin({
    scenario: madeUpFleets({
      accounts: ['fleet'],
      fleet,
      baseTime: '2025-01-06T00:00:00Z',
      durationS: 3600,
    }),
    seed,
    speed: 1,
    virtual: true,
    faults: readFaultScript(script),
  });
  t.after(() => twin.close());
  const answers: string[] = [];
  let sid = '';
  const ask = async (svc: string, params: object = {}): Promise<string> => {
    const isPoll = svc === 'avl_evts';
    const form: Record<string, string> = isPoll
      ? { sid }
      : { svc, params: JSON.stringify(params), sid };
    const url = `${twin.url}${isPoll ? '/avl_evts' : '/wialon/ajax.html'}`;
    const body = new URLSearchParams(form);
    const answer = await fetch(url, { method: 'POST', body }).then(
      async (response) => `${response.status} ${await response.text()}`,
      () => 'cut',
    );
    answers.push(answer);
    return answer;
  };
  const login = async (): Promise<void> => {
    const answer = await ask('token/login', { token: tokenOf('fleet', 2) });
    sid = /"eid":"(\w+)"/.exec(answer)?.[1] ?? '';
    const spec = [{ type: 'type', data: 'avl_unit', flags: 0x21, mode: 0 }];
    await ask('core/update_data_flags', { spec });
  };
  const interval = { from: 0, to: 0xffff_ffff, flags: 0 };
  const report = { reportResourceId: 600, reportTemplateId: 1, reportObjectId: UNIT, interval };
  for (let step = 0; step < 60; step++) {
    twin.advance(10);
    const poll = await ask('avl_evts');
    if (/"error":1(011)?}/.test(poll)) await login();
    const range = { itemId: UNIT + (step % 20), timeFrom: 0, timeTo: 0xffff_ffff, loadCount: 3 };
    await ask('messages/load_interval', range);
    await ask('messages/get_messages', { indexFrom: 0, indexTo: 99 });
    await ask('core/search_item', { id: UNIT + 7, flags: 0x80_3421 });
    if (step % 10 === 9) await ask('report/exec_report', report);
  }
  return answers;
}

test('the same seed and the same requests give the same bytes, faults and all; another seed does not', async (t) => {
  const first = await seen(t, 7);
  assert.ok(first.some((answer) => answer.startsWith('502 ')) && first.includes('cut'));
  assert.ok(first.join('').length > 100_000);
  assert.deepEqual(await seen(t, 7), first);
  const other = await seen(t, 8);
  assert.ok(first.filter((answer, index) => answer !== other[index]).length > 50);
});
