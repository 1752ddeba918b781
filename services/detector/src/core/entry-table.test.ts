import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { EntryTable, entryBytes, type Entry } from './entry-table.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const content = fc.record({ word: fc.nat(), state: bytes, closed: bytes });

/** What is done to a table: put at a slot, removed, or put in the place of a part of an entry. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), slot: fc.integer({ min: -9, max: 9 }), content }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }),
  fc.record({ kind: fc.constant('closed' as const), at: fc.nat(20), bytes }),
  fc.record({
    ...{ kind: fc.constant('state' as const), at: fc.nat(20), bytes },
    from: fc.nat(40),
    size: fc.nat(40),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The same on a plain list. */
function model(entries: Entry[], change: Step): void {
  if (change.kind === 'put') {
    const { slot } = change;
    const others = entries.filter((entry) => entry.slot !== slot);
    others.push({ slot, ...change.content });
    entries.splice(0, entries.length, ...others.sort((a, b) => a.slot - b.slot));
    return;
  }
  const entry = entries[change.at];
  if (entry === undefined) return;
  if (change.kind === 'remove') entries.splice(change.at, 1);
  else if (change.kind === 'closed') entries[change.at] = { ...entry, closed: change.bytes };
  else {
    const [from, to] = rangeOf(change, entry);
    const parts = [...entry.state.subarray(0, from), ...change.bytes, ...entry.state.subarray(to)];
    entries[change.at] = { ...entry, state: Uint8Array.from(parts) };
  }
}

function rangeOf(change: { from: number; size: number }, { state }: Entry): [number, number] {
  const from = Math.min(change.from, state.length);
  return [from, Math.min(from + change.size, state.length)];
}

function apply(table: EntryTable, change: Step): void {
  if (change.kind === 'put') {
    const before = table.before(change.slot);
    const at = table.slots[before] === change.slot ? before : before + 1;
    table.put(at, { slot: change.slot, ...change.content });
    return;
  }
  if (change.at >= table.slots.length) return;
  if (change.kind === 'remove') table.remove(change.at);
  else if (change.kind === 'closed') table.replaceClosed(change.at, change.bytes);
  else {
    const [from, to] = rangeOf(change, table.entryAt(change.at));
    table.replaceInState(change.at, from, to, change.bytes);
  }
}

test('entries that are changed where they stand are those of a list', () => {
  fc.assert(
    fc.property(fc.array(content, { maxLength: 4 }), fc.array(step), (start, steps) => {
      const entries: Entry[] = start.map((entry, at) => ({ slot: at * 2, ...entry }));
      const table = new EntryTable();
      const [first, ...added] = entries.map(entryBytes);
      table.copy(first ?? new Uint8Array(0), added);
      for (const change of steps) {
        model(entries, change);
        apply(table, change);
      }
      assert.deepEqual(
        table.slots.map((slot, at) => ({ ...table.entryAt(at), slot })).map(plain),
        entries.map(plain),
      );
      assert.deepEqual(
        [...table.bytesFrom(0)],
        entries.flatMap((entry) => [...entryBytes(entry)]),
      );
      const again = new EntryTable();
      again.look(table.bytesFrom(0));
      assert.deepEqual(again.slots, table.slots);
    }),
  );
});

function plain({ word, slot, state, closed }: Entry): object {
  return { word, slot, state: [...state], closed: [...closed] };
}
