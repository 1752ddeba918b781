import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AccountStore } from './account-store.ts';
import { pollEvents } from './core-services.ts';
import { readRecording, registrationsOf } from './recording.ts';
import { readScenario } from './scenario.ts';
import { Sessions, type Session } from './session.ts';
import { planTrouble } from './trouble-plan.ts';

const scenario = readScenario('short');
const tracks = new Map(
  scenario.accounts.map(({ track }) => [track, readRecording(track)] as const),
);
const stores = scenario.accounts.map((account) => {
  const recording = tracks.get(account.track);
  assert.ok(recording);
  return new AccountStore(scenario, account, recording, planTrouble(scenario, tracks, 7));
});
const anyStore = fc.constantFrom(...stores);
const { duration_s: duration } = scenario;
/** Up to three loops of the recording. */
const elapsed = fc.integer({ min: 0, max: 3 * duration + 500 });

interface Event {
  readonly i: number;
  readonly d: { readonly rt?: number } | number | null;
}

function subscribed(store: AccountStore, now: number): Session {
  const sessions = new Sessions({
    idleS: 300,
    nowMs: () => 0,
    newSid: () => 'a',
    onEnd: () => undefined,
  });
  const from = { cursor: store.registered(now), changesSeen: 0, token: 1 } as const;
  const session = sessions.open(store, from);
  for (const unit of store.units.values()) {
    session.subscriptions.set(unit, { flags: 0x21, since: store.registered(now) });
  }
  return session;
}

function poll(session: Session, now: number): { tm: number; events: Event[] } {
  return JSON.parse(pollEvents({ session, account: { changes: [] }, now })) as {
    tm: number;
    events: Event[];
  };
}

test('whatever the poll times, every message is delivered exactly once, in order, none after its tm', () => {
  fc.assert(
    fc.property(anyStore, elapsed, fc.array(elapsed, { maxLength: 20 }), (store, start, times) => {
      const from = store.base + start;
      const session = subscribed(store, from);
      const delivered: string[] = [];
      let now = from;
      let before = from;
      for (const time of [...times].sort((a, b) => a - b)) {
        now = Math.max(from, store.base + time);
        const { tm, events } = poll(session, now);
        assert.equal(tm, now);
        for (const { i, d } of events) {
          delivered.push(`${i} ${JSON.stringify(d)}`);
          if (typeof d !== 'object' || typeof d?.rt !== 'number') continue;
          // Malformed bodies carry the times of the first loop.
          if (now - store.base < duration) assert.ok(d.rt > before && d.rt <= tm);
        }
        before = now;
      }
      const expected: string[] = [];
      for (let g = store.registered(from); g < store.registered(now); g++) {
        const { unitId, json } = store.message(g);
        expected.push(`${unitId} ${JSON.stringify(JSON.parse(json))}`);
      }
      assert.deepEqual(delivered, expected);
    }),
    { numRuns: 60 },
  );
});

test('intervals at one moment and polls from there on hold every message once', () => {
  fc.assert(
    fc.property(anyStore, elapsed, elapsed, (store, a, b) => {
      const [from, to] = [store.base + Math.min(a, b), store.base + Math.max(a, b)];
      const everything = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const;
      const loaded = [...store.units.values()].flatMap((unit) =>
        store.interval(unit, ...everything, from),
      );
      const session = subscribed(store, from);
      const polled = poll(session, to).events.length;
      assert.equal(new Set(loaded).size, loaded.length);
      assert.equal(loaded.length + polled, store.registered(to));
    }),
    { numRuns: 40 },
  );
});

test('an interval holds exactly the messages of its unit, time bounds and registration', () => {
  fc.assert(
    fc.property(anyStore, elapsed, elapsed, elapsed, fc.nat(), (store, a, b, at, pick) => {
      const units = [...store.units.values()];
      const unit = units[pick % units.length] ?? 0;
      const [from, to] = [store.base + Math.min(a, b), store.base + Math.max(a, b)];
      const now = store.base + at;
      const found = store.interval(unit, from, to, now);
      const expected: number[] = [];
      for (let g = 0; g < store.registered(now); g++) {
        const { unitId, t } = store.message(g);
        if (unitId === unit && t >= from && t <= to) expected.push(g);
      }
      assert.deepEqual(
        [...found].sort((x, y) => x - y),
        expected,
      );
      for (const [index, g] of found.entries()) {
        const previous = found[index - 1];
        if (previous === undefined) continue;
        const [one, next] = [store.message(previous), store.message(g)];
        assert.ok(one.t < next.t || (one.t === next.t && one.rt <= next.rt));
      }
    }),
    { numRuns: 60 },
  );
});

test('counts agree with the messages themselves', () => {
  for (const store of stores) {
    for (const at of [0, 62, 6660, 39_100, duration, duration + 9000, 3 * duration + 20_000]) {
      const now = store.base + at;
      const registered = new Map<number, number>();
      const contents = new Map<number, Set<string>>();
      for (let g = 0; g < store.registered(now); g++) {
        const { unitId, position, t } = store.message(g);
        registered.set(unitId, (registered.get(unitId) ?? 0) + 1);
        if (position === undefined) continue;
        const { x, y } = JSON.parse(position) as { x: number; y: number };
        const seen = contents.get(unitId) ?? new Set();
        contents.set(unitId, seen.add(`${t}/${Math.round(y * 1e5)}/${Math.round(x * 1e5)}`));
      }
      for (const count of store.counts(now)) {
        assert.equal(count.registered, registered.get(count.unit_id) ?? 0);
        assert.equal(count.distinct, contents.get(count.unit_id)?.size ?? 0);
      }
    }
  }
});

test('a looped recording goes on: times shift by the window, units stay', () => {
  for (const store of stores) {
    const first = store.registered(store.base);
    const perLoop = store.registered(store.base + duration) - first;
    for (const g of [first, first + 17, first + perLoop - 1]) {
      const [once, again] = [store.message(g), store.message(g + 2 * perLoop)];
      assert.equal(again.unitId, once.unitId);
      assert.equal(again.t, once.t + 2 * duration);
      assert.equal(again.rt, once.rt + 2 * duration);
    }
  }
});

test('the last message has the greatest time of those registered', () => {
  for (const store of stores) {
    for (const at of [0, 6660, 30_000, duration + 100]) {
      const now = store.base + at;
      for (const unit of store.units.values()) {
        let greatest: number | undefined;
        for (let g = 0; g < store.registered(now); g++) {
          const { unitId, t, position } = store.message(g);
          if (unitId !== unit || position === undefined) continue;
          greatest = Math.max(greatest ?? t, t);
        }
        assert.equal(store.last(unit, now)?.t, greatest);
      }
    }
  }
});

test('the store is the recording with the plan applied: nothing lost, nothing made up', () => {
  for (const seed of [1, 2, 3]) {
    const plan = planTrouble(scenario, tracks, seed);
    for (const account of scenario.accounts) {
      const recording = tracks.get(account.track);
      assert.ok(recording);
      const store = new AccountStore(scenario, account, recording, plan);
      const expected = new Map<string, number>();
      const expect = (unit: number, t: number, rt: number): void => {
        const key = `${unit} ${t} ${rt}`;
        expected.set(key, (expected.get(key) ?? 0) + 1);
      };
      const moved = new Map<number, number>();
      for (const one of plan.operations) {
        if (one.account !== account.account || one.op === 'expire_session') continue;
        if ('unit' in one) expect(one.unit, one.t, one.rt);
        else if (one.op !== 'repeat') moved.set(one.row, one.rt);
      }
      const fixes = registrationsOf(scenario, account, recording);
      for (const { row, unitId, t, rt } of fixes) expect(unitId, t, moved.get(row) ?? rt);
      const byRow = new Map(fixes.map((fix) => [fix.row, fix]));
      for (const one of plan.operations) {
        if (one.op !== 'repeat' || one.account !== account.account) continue;
        const fix = byRow.get(one.row);
        expect(fix?.unitId ?? 0, fix?.t ?? 0, one.rt);
      }
      const end = store.registered(store.base + duration);
      for (let g = 0; g < end; g++) {
        const { unitId, t, rt } = store.message(g);
        const key = `${unitId} ${t} ${rt}`;
        const left = (expected.get(key) ?? 0) - 1;
        assert.ok(left >= 0, `made up: ${key}`);
        if (left === 0) expected.delete(key);
        else expected.set(key, left);
      }
      assert.deepEqual([...expected.keys()], []);
    }
  }
});
