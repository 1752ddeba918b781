import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics, type Message, type Topic } from '@waybill/contracts';
import { page, startTransformer } from './testing/run.ts';

const at = (second: number) => 1_760_000_000_000 + second * 1000;

const units = (second: number, ...items: object[]): Message =>
  page(
    { items: items.map((item) => ({ cls: 2, id: 7001, nm: 'Cab', ...item })) },
    { call: 'core/search_items', unit: null, received_time: at(second) },
  );

const zones = (second: number, ...ids: number[]): Message =>
  page(
    ids.map((id) => ({ n: `yard ${id}`, id, rid: 600, t: 3, w: 5, p: [{ x: 21, y: 52, r: 5 }] })),
    {
      call: 'resource/get_zone_data',
      parameters: '{"itemId":600,"flags":28}',
      unit: null,
      received_time: at(second),
    },
  );

const bindings = (second: number, body: object): Message =>
  page(body, {
    call: 'resource/get_driver_bindings',
    parameters: '{"resourceId":600}',
    unit: null,
    received_time: at(second),
  });

const drivers = (second: number, c = 'DRV001'): Message =>
  page(
    { items: [{ cls: 3, id: 600, drvrs: { 1: { id: 1, n: 'A. Driver', c } } }] },
    { call: 'core/search_items', unit: null, received_time: at(second) },
  );

interface Stated {
  readonly intervals: readonly {
    readonly valid_from_time: number | null;
    readonly valid_to_time: number | null;
    readonly name?: string;
    readonly driver_code?: string | null;
  }[];
}

function shown(value: Stated | undefined): readonly string[] {
  const second = (time: number | null): string =>
    time === null ? '…' : String((time - at(0)) / 1000);
  return (value?.intervals ?? []).map(
    ({ valid_from_time: a, valid_to_time: b, name, driver_code }) =>
      `${second(a)}–${second(b)} ${name ?? driver_code}`,
  );
}

async function statesOf(
  driver: Awaited<ReturnType<typeof startTransformer>>['driver'],
  topic: Topic,
): Promise<readonly (readonly string[])[]> {
  const records = await driver.read(topic);
  return records.map(({ message }) => shown((message as Message<string, Stated> | null)?.value));
}

test('a unit that is edited keeps what it was before; an equal listing says nothing', async () => {
  const { driver, pages } = await startTransformer();
  await pages(units(1, {}), units(2, {}));
  await pages(units(3, { nm: 'Cab 2' }));
  await pages(units(2, { nm: 'read earlier' }));
  assert.deepEqual(await statesOf(driver, topics.asset), [['…–… Cab'], ['…–3 Cab', '3–… Cab 2']]);
});

test('a geofence that was deleted ends, and one that comes back begins anew', async () => {
  const { driver, pages } = await startTransformer();
  await pages(zones(1, 15, 16));
  await pages(zones(2, 16));
  await pages(zones(3, 15, 16));
  const states = await statesOf(driver, topics.zone);
  assert.deepEqual(
    states.filter(([first]) => first?.endsWith('yard 15')),
    [['…–… yard 15'], ['…–2 yard 15'], ['…–2 yard 15', '3–… yard 15']],
  );
  assert.equal(states.filter(([first]) => first?.endsWith('yard 16')).length, 1);
});

test('bindings of drivers are published per unit with all intervals, by code and without names', async () => {
  const { driver, pages, rejected } = await startTransformer();
  const seconds = (second: number): number => at(second) / 1000;
  const first = { 1: [{ t: seconds(1), u: 7001 }] };
  await pages(drivers(5), bindings(6, first), bindings(7, first));
  await pages(
    bindings(8, {
      1: [
        { t: seconds(1), u: 7001 },
        { t: seconds(7), u: 0 },
      ],
    }),
  );
  assert.deepEqual(await statesOf(driver, topics.driverBinding), [['1–… DRV001'], ['1–7 DRV001']]);
  const written = JSON.stringify(await driver.read(topics.driverBinding), (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  assert.doesNotMatch(written, /A\. Driver/);
  await pages(bindings(9, [1]));
  assert.equal((await rejected()).length, 1, 'an answer of another shape is refused, not dropped');
});

test('an older listing of drivers that comes once more does not bring back their codes', async () => {
  const { driver, pages } = await startTransformer();
  const bound = { 1: [{ t: at(1) / 1000, u: 7001 }] };
  await pages(drivers(5), drivers(6, 'DRV002'), drivers(5), bindings(7, bound));
  assert.deepEqual(await statesOf(driver, topics.driverBinding), [['1–… DRV002']]);
});

test('a unit that the provider has no more is valid until then, and again when it comes back', async () => {
  const { driver, pages } = await startTransformer();
  const asked = (second: number, ...answers: object[]): Message =>
    page(answers, {
      call: 'core/batch',
      parameters: JSON.stringify({
        params: answers.map((_, index) => ({
          svc: 'core/search_item',
          params: { id: 7001 + index, flags: 1 },
        })),
        flags: 0,
      }),
      unit: null,
      received_time: at(second),
    });
  await pages(
    units(1, { nm: 'Cab' }),
    units(2, { id: 7002, nm: 'Van' }),
    asked(9, { item: { id: 7001 }, flags: 1 }, { error: 7 }),
    asked(10, { item: null, flags: 0 }),
    units(20, { nm: 'Cab' }),
  );
  const states = await driver.read(topics.asset);
  const newest = new Map(states.map(({ key, message }) => [key, message?.value as Stated]));
  assert.deepEqual(shown(newest.get('bay-cabs/wialon:7001')), ['…–10 Cab', '20–… Cab']);
  assert.deepEqual(shown(newest.get('bay-cabs/wialon:7002')), ['…–9 Van']);
});
