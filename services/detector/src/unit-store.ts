import { topics } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import { taskKey } from '@waybill/domain';
import type { KeyedBuffers, KeyedStore } from '@waybill/stream';
import type { Held } from './held.ts';
import { bufferPages } from './buffer-pages.ts';
import { CHUNK_MS } from './core/chunk.ts';
import type { Trimmed } from './core/settle.ts';
import type { Unit } from './core/unit.ts';
import { decodeUnit, encodeHead, type PartName, type SavedUnit } from './core/unit-codec.ts';

type Store = KeyedStore<Uint8Array>;

/**
 * Keys of the changelog. A tenant, source or unit holds no slash, so the number of slashes tells heads
 * from everything else:
 *
 * | key | value |
 * |---|---|
 * | `<tenant>/<unit>` | head part of a unit |
 * | `<tenant>/<unit>#s/<n>`, `#b/<date>` | its seen fixes, late fixes of a day |
 * | `<tenant>/<unit>#l/` | input offsets at which it held all that it may; only while that matters |
 * | `clock/<tenant>/<source>` | the source's progress T |
 * | `rules/<tenant>/bound` | the rules that the tenant's units were folded with |
 * | `rules/<tenant>/grace` | which grace held from which input offset on |
 * | `bound/<tenant>/<unit>` | the unit's own settings that it was folded with |
 */
function partKey(tenantId: string, unit: string, part: PartName): string {
  return taskKey(tenantId, unit) + part;
}

/** Tenant and unit of all heads in the store. */
export function unitsIn(store: Store): { readonly tenantId: string; readonly unit: string }[] {
  const found: { tenantId: string; unit: string }[] = [];
  for (const [key] of store.entries()) {
    const slash = key.indexOf('/');
    if (slash <= 0 || key.indexOf('/', slash + 1) !== -1) continue;
    found.push({ tenantId: key.slice(0, slash), unit: key.slice(slash + 1) });
  }
  return found;
}

function damaged(key: string, detail: string, cause?: unknown): Fault {
  return new Fault(
    `expected the saved state of ${key} to be whole, found: ${detail}; restore the changelog, or empty it and read the positions again`,
    { kind: 'bug', code: 'STATE_DAMAGED', stage: 'decide', cause },
  );
}

/**
 * Reads a unit, with what `encodeLive` gave where it was in memory before; throws a Fault `bug` /
 * `STATE_DAMAGED` when a part is missing or unreadable.
 */
export function loadUnit(
  { store, buffers }: { readonly store: Store; readonly buffers: KeyedBuffers },
  tenantId: string,
  unit: string,
  live?: Uint8Array,
): SavedUnit {
  const key = taskKey(tenantId, unit);
  try {
    const pages = bufferPages(buffers, key);
    const part = (name: PartName): Uint8Array | undefined =>
      store.get(partKey(tenantId, unit, name));
    return decodeUnit(tenantId, unit, { pages, part, live });
  } catch (error) {
    throw damaged(key, error instanceof Error ? error.message : String(error), error);
  }
}

/** Throws a Fault `bug` / `STATE_DAMAGED` when fixes of a named chunk did not come back from the input. */
export function checkUnit({ unit, named }: Pick<Held, 'unit' | 'named'>): void {
  const there = new Set(unit.timeline.chunks.map(({ index }) => index));
  const missing = named.find(({ index }) => !there.has(index));
  if (missing === undefined) return;
  const since = new Date(missing.index * CHUNK_MS).toISOString();
  const detail = `no positions of the quarter of an hour from ${since}, which came with offset ${missing.firstOffset}; is the retention of ${topics.position.name} shorter than grace and outages together?`;
  throw damaged(taskKey(unit.tenantId, unit.name), detail);
}

function saveRefusals(store: Store, unit: Unit, key: string): void {
  const { refusals, timeline } = unit;
  if (refusals === undefined) return;
  refusals.trim(timeline.trimmedTo);
  if (!refusals.unsaved) return;
  const saved = refusals.save();
  if (!refusals.isEmpty) store.put(key, saved);
  else {
    unit.refusals = undefined;
    store.delete(key);
  }
}

/** Writes the parts that changed since the last save. */
export function saveUnit(store: Store, unit: Unit, trimmed: Trimmed | undefined): void {
  const { tenantId, name, timeline, seen, buckets } = unit;
  const key = (part: PartName): string => partKey(tenantId, name, part);
  for (const index of trimmed?.seenChanged ?? []) {
    const block = seen.block(index);
    if (block !== undefined) store.put(key(`#s/${index}`), block);
  }
  for (const index of trimmed?.seenGone ?? []) store.delete(key(`#s/${index}`));
  for (const bucket of buckets.values()) {
    if (bucket.unsaved) store.put(key(`#b/${bucket.date}`), bucket.save());
  }
  saveRefusals(store, unit, key('#l/'));
  if (unit.unsaved || timeline.chunksVersion !== unit.savedChunks) {
    store.put(key(''), encodeHead(unit));
    unit.unsaved = false;
    unit.savedChunks = timeline.chunksVersion;
  }
}

/** Deletes the buckets of days for which nothing came any more since `before`, ms. */
export function dropBuckets(store: Store, unit: Unit, before: number): void {
  for (const [date, bucket] of unit.buckets) {
    if (bucket.newestProviderTime >= before) continue;
    unit.buckets.delete(date);
    unit.unsaved = true;
    store.delete(partKey(unit.tenantId, unit.name, `#b/${date}`));
  }
}
