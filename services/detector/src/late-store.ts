import {
  BODY_OFFSET,
  topics,
  type PositionRecorded,
  type RangeReread,
  type SignalRecorded,
} from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import type { KeyedStore } from '@waybill/stream';
import {
  ARCHIVE_DAYS,
  archiveDay,
  byDay,
  merged,
  readArchive,
  writeArchive,
  type PublishedFacts,
} from './core/archive.ts';
import { RULES } from './core/rule-list.ts';
import { ByteReader, ByteWriter } from './core/bytes.ts';
import type { SavedProposal } from './core/proposal.ts';

type Store = KeyedStore<Uint8Array>;
type Fixed = PositionRecorded | SignalRecorded;

/** Event time that one block of re-read positions spans, ms. */
const BLOCK_MS = 900_000;
/** Positions that a block takes at most: with about 250 bytes each it stays below a record's limit. */
const BLOCK_FIXES = 3_000;

const { PositionRecorded: positions, SignalRecorded: signals } = topics.positionBackfill.contracts;

/** What is kept of one unit for late data, beside its parts in the store. */
export interface LateUnit {
  readonly tenantId: string;
  readonly unit: string;
  readonly archiveDays: Set<number>;
  /** Re-read positions by block. */
  readonly blocks: Map<number, number>;
  readonly proposals: Map<string, SavedProposal>;
  /** End markers whose range waits to be recomputed, oldest first. */
  readonly markers: RangeReread[];
  /** T when the newest re-read position came, ms. */
  collectedAt: number;
  /** A range held more positions than are taken. */
  overflowed: boolean;
}

/**
 * Keys of the store:
 *
 * | key | value |
 * |---|---|
 * | `<tenant>/<unit>#a/<day>` | what was published and can no longer change by itself, by UTC day |
 * | `…#r/<n>` | re-read positions of a quarter of an hour |
 * | `…#p/<date>` | proposal of a business day, JSON |
 * | `…#m` | end markers that wait, JSON |
 */
export interface LateStore {
  readonly units: () => IterableIterator<LateUnit>;
  readonly find: (tenantId: string, unit: string) => LateUnit | undefined;
  readonly of: (tenantId: string, unit: string) => LateUnit;
  /** Adds published facts and drops those of days that are too old at T. */
  readonly archive: (late: LateUnit, facts: PublishedFacts, clock: number | undefined) => void;
  readonly archived: (late: LateUnit, from: number, to: number) => PublishedFacts;
  /** Takes a re-read position; false when the block is full. Written by `flush`. */
  readonly collect: (late: LateUnit, fix: Fixed) => boolean;
  readonly flush: () => void;
  readonly collected: (late: LateUnit, from: number, to: number) => readonly Fixed[];
  readonly forgetCollected: (late: LateUnit) => void;
  readonly putProposal: (late: LateUnit, proposal: SavedProposal) => void;
  readonly dropProposal: (late: LateUnit, date: string) => void;
  readonly putMarkers: (late: LateUnit) => void;
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function parsed(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

/** The part `m`. */
interface Head {
  readonly markers: readonly RangeReread[];
  readonly collectedAt: number | null;
  readonly full: boolean;
}

/** See LateStore; reads the index of what is there. */
export function openLateStore(store: Store): LateStore {
  const units = new Map<string, LateUnit>();
  const fresh = new Map<LateUnit, Map<number, Fixed[]>>();
  const writer = new ByteWriter();

  function of(tenantId: string, unit: string): LateUnit {
    const key = taskKey(tenantId, unit);
    let late = units.get(key);
    if (late === undefined) {
      late = {
        tenantId,
        unit,
        archiveDays: new Set(),
        blocks: new Map(),
        proposals: new Map(),
        markers: [],
        collectedAt: -Infinity,
        overflowed: false,
      };
      units.set(key, late);
    }
    return late;
  }

  function keyOf({ tenantId, unit }: LateUnit, part: string): string {
    return `${taskKey(tenantId, unit)}#${part}`;
  }

  function load(key: string, value: Uint8Array): void {
    const [name = '', part = ''] = key.split('#');
    const slash = name.indexOf('/');
    const late = of(name.slice(0, slash), name.slice(slash + 1));
    const rest = part.slice(2);
    if (part.startsWith('a/')) late.archiveDays.add(Number(rest));
    else if (part.startsWith('r/')) late.blocks.set(Number(rest), new ByteReader(value).u32());
    else if (part.startsWith('p/')) {
      // Written by `putProposal`.
      late.proposals.set(rest, parsed(value) as SavedProposal);
    } else {
      const head = parsed(value) as Head;
      late.markers.push(...head.markers);
      late.collectedAt = head.collectedAt ?? -Infinity;
      late.overflowed = head.full;
    }
  }

  function putMarkers(late: LateUnit): void {
    const { markers, collectedAt, overflowed: full } = late;
    if (markers.length === 0 && late.blocks.size === 0) store.delete(keyOf(late, 'm'));
    else store.put(keyOf(late, 'm'), json({ markers, collectedAt, full }));
  }

  function block(late: LateUnit, index: number): Fixed[] {
    const bytes = store.get(keyOf(late, `r/${index}`));
    if (bytes === undefined) return [];
    const reader = new ByteReader(bytes);
    return Array.from({ length: reader.u32() }, () => {
      const contract = reader.u8() === 0 ? positions : signals;
      const body = reader.bytes();
      const whole = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      // Written by `writeBlock` with the same contract.
      return contract.decode(whole, BODY_OFFSET);
    });
  }

  function writeBlock(late: LateUnit, index: number, fixes: readonly Fixed[]): void {
    writer.u32(fixes.length);
    for (const fix of fixes) {
      const isPosition = 'latitude' in fix;
      writer.u8(isPosition ? 0 : 1);
      writer.bytes(
        isPosition
          ? topics.positionBackfill.contracts.PositionRecorded.encode(fix, 0)
          : topics.positionBackfill.contracts.SignalRecorded.encode(fix, 0),
      );
    }
    store.put(keyOf(late, `r/${index}`), writer.finish());
    late.blocks.set(index, fixes.length);
  }

  // Keys without a part are the hours' (`HourCounts`).
  for (const [key, value] of store.entries()) if (key.includes('#')) load(key, value);

  return {
    units: () => units.values(),
    find: (tenantId, unit) => units.get(taskKey(tenantId, unit)),
    of,
    archive: (late, facts, clock) => {
      for (const [day, added] of byDay(facts)) {
        const key = keyOf(late, `a/${day}`);
        store.put(key, writeArchive(merged(readArchive(store.get(key)), added)));
        late.archiveDays.add(day);
      }
      const oldest = archiveDay(clock ?? -Infinity) - ARCHIVE_DAYS;
      for (const day of late.archiveDays) {
        if (!(day < oldest)) continue;
        late.archiveDays.delete(day);
        store.delete(keyOf(late, `a/${day}`));
      }
    },
    archived: (late, from, to) => {
      let found: PublishedFacts = RULES.map(() => []);
      for (const day of late.archiveDays) {
        // A fact may begin days before what it reaches into.
        if (day > archiveDay(to) || day < archiveDay(from) - ARCHIVE_DAYS) continue;
        found = merged(found, readArchive(store.get(keyOf(late, `a/${day}`))));
      }
      return found;
    },
    collect: (late, fix) => {
      const index = Math.floor(fix.event_time / BLOCK_MS);
      const blocks = fresh.get(late) ?? new Map<number, Fixed[]>();
      fresh.set(late, blocks);
      const added = blocks.get(index) ?? [];
      if ((late.blocks.get(index) ?? 0) + added.length >= BLOCK_FIXES) {
        late.overflowed = true;
        return false;
      }
      added.push(fix);
      blocks.set(index, added);
      return true;
    },
    flush: () => {
      for (const [late, blocks] of fresh) {
        for (const [index, added] of blocks) {
          const known = block(late, index);
          const ids = new Set(known.map((fix) => `${fix.event_id} ${fix.provider_time}`));
          for (const fix of added) {
            const id = `${fix.event_id} ${fix.provider_time}`;
            if (!ids.has(id)) known.push(fix);
            ids.add(id);
          }
          writeBlock(late, index, known);
        }
        putMarkers(late);
      }
      fresh.clear();
    },
    collected: (late, from, to) =>
      [...late.blocks.keys()]
        .filter((index) => (index + 1) * BLOCK_MS > from && index * BLOCK_MS < to)
        .toSorted((a, b) => a - b)
        .flatMap((index) => block(late, index)),
    forgetCollected: (late) => {
      for (const index of late.blocks.keys()) store.delete(keyOf(late, `r/${index}`));
      late.blocks.clear();
      late.overflowed = false;
      putMarkers(late);
    },
    putProposal: (late, proposal) => {
      const { business_date: date } = proposal.event;
      late.proposals.set(date, proposal);
      store.put(keyOf(late, `p/${date}`), json(proposal));
    },
    dropProposal: (late, date) => {
      late.proposals.delete(date);
      store.delete(keyOf(late, `p/${date}`));
    },
    putMarkers,
  };
}
