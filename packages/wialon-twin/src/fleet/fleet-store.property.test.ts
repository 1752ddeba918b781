import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { InjectedStore } from '../injected-store.ts';
import type { MessageStore } from '../message-store.ts';
import { FleetStore, type FleetSettings } from './fleet-store.ts';

const BASE = 1_736_121_600;
const FIRST_UNIT = 5001;

const settings = fc.record({
  units: fc.integer({ min: 1, max: 7 }),
  every_s: fc.integer({ min: 1, max: 90 }),
  history_s: fc.integer({ min: 0, max: 900 }),
  late_share: fc.constantFrom(0, 0.3),
  late_max_s: fc.constant(1200),
  silent_share: fc.constantFrom(0, 0.5),
  repeat_share: fc.constantFrom(0, 0.3),
});

function storeOf(fleet: FleetSettings, seed: number): FleetStore {
  const account = { account: 'fleet', resource_id: 600, first_unit_id: FIRST_UNIT };
  return new FleetStore({ account, base: BASE, fleet, seed });
}

/** Everything that is registered by `now`, as it is served. */
const served = (store: MessageStore, now: number): string[] =>
  Array.from({ length: store.registered(now) }, (_, g) => store.message(g).json);

test('however the clock comes to a moment, the same messages stand there, in order of registration', () => {
  fc.assert(
    fc.property(settings, fc.nat(), fc.array(fc.nat(1500)), (fleet, seed, moments) => {
      const [stepped, jumped] = [storeOf(fleet, seed), storeOf(fleet, seed)];
      for (const at of moments.toSorted((a, b) => a - b)) stepped.registered(BASE + at);
      const now = BASE + 1500;
      assert.deepEqual(served(stepped, now), served(jumped, now));
      const times = served(jumped, now).map((json) => (JSON.parse(json) as { rt: number }).rt);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.ok(times.every((rt) => rt <= now));
    }),
  );
});

test('intervals hold each message of a unit once, by time, and the counts are theirs', () => {
  fc.assert(
    fc.property(settings, fc.nat(), fc.integer({ min: 0, max: 1500 }), (fleet, seed, elapsed) => {
      const store = new InjectedStore(storeOf(fleet, seed));
      const now = BASE + elapsed;
      store.inject([{ unitId: FIRST_UNIT, t: BASE - 100, body: null, silent: false }], now);
      const numbers = [...store.units.values()].flatMap((unit) => {
        const found = store.interval(unit, 0, Number.MAX_SAFE_INTEGER, now);
        const messages = found.map((g) => store.message(g));
        assert.ok(messages.every(({ unitId }) => unitId === unit));
        const times = messages.map(({ t }) => t);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        const count = store.counts(now).find(({ unit_id }) => unit_id === unit);
        assert.equal(count?.registered, found.length);
        const fixes = messages.filter(({ position }) => position !== undefined);
        assert.equal(
          count.distinct,
          new Set(fixes.map(({ t, position }) => `${t} ${position}`)).size,
        );
        const [from, to] = [now - 300, now - 100];
        const within = times.filter((t) => t >= from && t <= to).length;
        assert.equal(store.interval(unit, from, to, now).length, within);
        return found;
      });
      const all = Array.from({ length: store.registered(now) }, (_, g) => g);
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        all,
      );
    }),
  );
});
