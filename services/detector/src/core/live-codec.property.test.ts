import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fleetRounds, fleetZones, progressAfter, type FleetOptions } from '../testing/fleet.ts';
import { greedyTenant, rulesWith } from '../testing/plain-detector.ts';
import { accept } from './accept.ts';
import { memoryPages, type UnitPages } from './pages.ts';
import { settle, trim } from './settle.ts';
import { newUnit, type Unit } from './unit.ts';
import { decodeUnit, encodeHead, encodeLive } from './unit-codec.ts';

const tenantId = 'bay-cabs';
const rules = rulesWith(greedyTenant(tenantId, 1), fleetZones(1000, tenantId));
const intake = { maxFixes: 100_000, offset: 0 };

/** A unit, where its bytes stand, and how it is turned. */
interface Life {
  unit: Unit;
  readonly pages: UnitPages;
}

function turn(life: Life, records: readonly Parameters<typeof accept>[1][], clock: number): void {
  const { unit } = life;
  for (const record of records) accept(unit, record, rules, intake);
  settle(unit, rules, { arrivals: [], clock, progress: undefined, binding: undefined });
  trim(unit, rules, clock);
  unit.timeline.flush();
}

/** Saves the unit as the store does; its parts, and what only memory knew. */
function rest({ unit }: Life): { readonly head: Uint8Array; readonly live: Uint8Array } {
  const head = encodeHead(unit);
  unit.unsaved = false;
  unit.savedChunks = unit.timeline.chunksVersion;
  const live = encodeLive(unit);
  assert.ok(live !== undefined, 'nothing waits');
  return { head, live };
}

function wake(life: Life, { head, live }: ReturnType<typeof rest>): void {
  const { seen } = life.unit;
  const part = (name: string): Uint8Array | undefined =>
    name === '' ? head : seen.block(Number(name.slice(3)));
  life.unit = decodeUnit(tenantId, life.unit.name, { pages: life.pages, part, live }).unit;
}

function bytesOf({ pages: { sealed, open, checkpoints } }: Life): readonly Uint8Array[] {
  return [sealed, open, checkpoints].map((each) => each.read(0, each.length()).slice());
}

function begin(): Life {
  const pages = memoryPages();
  return { unit: newUnit(tenantId, 'wialon:10000', pages), pages };
}

test('a unit that is packed at any moment and read again is the unit that stayed, byte for byte', () => {
  const course = fc.record({
    late: fc.constantFrom(0, 0.05, 0.3),
    everyS: fc.constantFrom(1, 7, 30),
    sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
    rests: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(course, ({ late, everyS, sizes, rests }) => {
      const fleet: FleetOptions = {
        ...{ tenantId, units: 1, everyS, moving: 0.5, late, latestS: 2400, hasSignals: true },
      };
      const reports = fleetRounds(fleet);
      const [stays, sleeps] = [begin(), begin()];
      let round = 0;
      for (let i = 0; i < 40; i += 1) {
        const records = [];
        for (let left = sizes[i % sizes.length] ?? 1; left > 0; left -= 1) {
          records.push(...(reports.next().value ?? []));
          round += 1;
        }
        const clock = progressAfter(round, fleet) * 1000;
        for (const life of [stays, sleeps]) turn(life, records, clock);
        const [expected, found] = [rest(stays), rest(sleeps)];
        assert.deepEqual(found, expected);
        assert.deepEqual(bytesOf(sleeps), bytesOf(stays));
        if (rests[i % rests.length] === true) wake(sleeps, found);
      }
    }),
    { numRuns: 40 },
  );
});
