import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { plain } from '../testing/fixes.ts';
import { zone } from '../testing/messages.ts';
import { fleetRounds, fleetZones, progressAfter, type FleetOptions } from '../testing/fleet.ts';
import { greedyTenant, rulesWith } from '../testing/plain-detector.ts';
import { rebasedOn } from '../tenant-state.ts';
import { accept } from './accept.ts';
import type { Arrival } from './occasion.ts';
import { memoryPages, type UnitPages } from './pages.ts';
import type { Rules } from './rules.ts';
import { settle, trim } from './settle.ts';
import { newUnit, type Decision, type Unit } from './unit.ts';
import { decodeUnit, encodeHead, encodeLive } from './unit-codec.ts';

const tenantId = 'bay-cabs';
const intake = { maxFixes: 100_000, offset: 0 };

/** Strips of a district, one over the other: visits that go on while others come and go. */
const strips = Array.from({ length: 8 }, (_, i) => {
  const west = 20.7 + i * 0.07;
  const corners = [
    [west, 52],
    [west + 0.1, 52],
    [west + 0.1, 52.5],
    [west, 52.5],
  ] as const;
  return zone(`strip-${i}`, corners, { tenantId });
});
const usual = rulesWith(greedyTenant(tenantId, 1), [...fleetZones(1000, tenantId), ...strips]);
const shorter = { ...usual.trip, stayMs: 60_000, minDistanceM: 100 };
const settings: readonly [Rules, Rules] = [
  usual,
  { ...usual, trip: shorter, fingerprint: 'shorter', version: 2 },
];

/** A unit, and whether it is made to look at everything each time. */
interface Life {
  unit: Unit;
  readonly pages: UnitPages;
  readonly isThorough: boolean;
}

type Reports = readonly Parameters<typeof accept>[1][];

function turn({ unit, isThorough }: Life, records: Reports, rules: Rules, clock: number): unknown {
  const arrivals: Arrival[] = [];
  for (const record of records) {
    const accepted = accept(unit, record, rules, intake);
    if (accepted.kind !== 'applied') continue;
    const { fix, isLate } = accepted;
    arrivals.push({ fix, isLate, receivedTime: record.received_time });
  }
  if (isThorough) for (const facts of unit.facts) facts.packed = Uint8Array.from(facts.packed);
  const occasion = { arrivals, clock, progress: undefined, binding: undefined };
  const decisions: readonly Decision[] = settle(unit, rules, occasion);
  const { released } = trim(unit, rules, clock);
  unit.timeline.flush();
  return plain([decisions, released, unit.facts.map(({ published }) => published)]);
}

/** The process dies, and what was saved is read: with what only memory knew, or without. */
function wake(life: Life, isPacked: boolean): void {
  const { seen, name } = life.unit;
  const head = encodeHead(life.unit);
  life.unit.unsaved = false;
  life.unit.savedChunks = life.unit.timeline.chunksVersion;
  const live = isPacked ? encodeLive(life.unit) : undefined;
  const part = (key: string): Uint8Array | undefined =>
    key === '' ? head : seen.block(Number(key.slice(3)));
  life.unit = decodeUnit(tenantId, name, { pages: life.pages, part, live }).unit;
}

function begin(isThorough: boolean): Life {
  const pages = memoryPages();
  return { unit: newUnit(tenantId, 'wialon:10000', pages), pages, isThorough };
}

test('what fixes in order add is compared as if all had been, byte for byte', () => {
  const course = fc.record({
    late: fc.constantFrom(0, 0, 0.01, 0.2),
    isStored: fc.boolean(),
    everyS: fc.constantFrom(5, 20, 60),
    moving: fc.constantFrom(0.3, 0.8),
    sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
    happens: fc.array(fc.constantFrom('', '', '', '', '', 'pack', 'kill', 'settings', 'silence'), {
      minLength: 1,
      maxLength: 9,
    }),
  });
  fc.assert(
    fc.property(course, ({ sizes, happens, ...rest }) => {
      const fleet: FleetOptions = {
        ...{ tenantId, units: 1, latestS: 2400, hasSignals: true, ...rest },
      };
      const reports = fleetRounds(fleet);
      const lives = [begin(false), begin(true)] as const;
      let [rules] = settings;
      let round = 0;
      for (let i = 0; i < 60; i += 1) {
        const records: Reports[number][] = [];
        for (let left = sizes[i % sizes.length] ?? 1; left > 0; left -= 1) {
          records.push(...(reports.next().value ?? []));
          round += 1;
        }
        const what = happens[i % happens.length];
        // T goes on although nothing came: silence ends what is open.
        const ahead = what === 'silence' ? 900 : 0;
        const clock = (progressAfter(round, fleet) + ahead) * 1000;
        const [fast, thorough] = lives.map((life) => turn(life, records, rules, clock));
        assert.deepEqual(fast, thorough);
        assert.deepEqual(encodeHead(lives[0].unit), encodeHead(lives[1].unit));
        if (what === 'settings') {
          rules = rules === settings[0] ? settings[1] : settings[0];
          for (const { unit } of lives) {
            unit.timeline.rebase(rebasedOn(unit.timeline.base, rules, undefined));
          }
        }
        if (what === 'pack' || what === 'kill') {
          for (const life of lives) wake(life, what === 'pack');
        }
      }
    }),
    { numRuns: 25 },
  );
});
