import type { RawAddress, TaskRaised } from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { ByteReader, ByteWriter } from './bytes.ts';
import { providerTimeOf, type Fix } from './fix.ts';

const writer = new ByteWriter();

/** A bucket is dropped when nothing came for this long, ms; what comes again after that is a repeat. */
export const BUCKET_MS = 35 * 86_400_000;

/** Fixes that a bucket counts at most. */
export const BUCKET_FIXES = 100_000;

interface LateFix {
  readonly time: number;
  readonly latenessMs: number;
}

/** The fixes of one unit and business day that came too late to be applied. */
export class Bucket {
  readonly date: string;
  revision: number;
  /** Newest registration, ms. */
  newestProviderTime: number;
  unsaved = false;
  readonly #fixes = new Map<string, LateFix>();

  constructor(date: string, saved?: Uint8Array) {
    this.date = date;
    const reader = saved === undefined ? undefined : new ByteReader(saved);
    this.revision = reader?.f64() ?? 0;
    this.newestProviderTime = reader?.f64() ?? -Infinity;
    reader?.list(() => {
      this.#fixes.set(reader.id(), { time: reader.f64(), latenessMs: reader.f64() });
    });
  }

  get count(): number {
    return this.#fixes.size;
  }

  has(id: string): boolean {
    return this.#fixes.has(id);
  }

  /** False for a repeat; the earlier registration of a fix counts. */
  add(fix: Fix): boolean {
    const known = this.#fixes.get(fix.id);
    if (known !== undefined && known.latenessMs <= fix.latenessMs) return false;
    this.#fixes.set(fix.id, { time: fix.time, latenessMs: fix.latenessMs });
    this.newestProviderTime = Math.max(this.newestProviderTime, providerTimeOf(fix));
    this.unsaved = true;
    return known === undefined;
  }

  /** A copy that was registered in time has turned up: the fix counts after all. */
  remove(id: string): boolean {
    const removed = this.#fixes.delete(id);
    this.unsaved ||= removed;
    return removed;
  }

  save(): Uint8Array {
    writer.f64(this.revision);
    writer.f64(this.newestProviderTime);
    writer.list([...this.#fixes], ([id, fix]) => {
      writer.id(id);
      writer.f64(fix.time);
      writer.f64(fix.latenessMs);
    });
    this.unsaved = false;
    return writer.finish();
  }

  /** The task as it stands now, under the next revision; DONE when nothing is left of it. */
  task(about: {
    readonly tenantId: string;
    readonly unit: string;
    readonly graceMs: number;
    readonly receivedTime: number;
    readonly trace: RawAddress;
  }): TaskRaised {
    const { tenantId, unit } = about;
    this.revision = Math.max(this.revision + 1, about.receivedTime);
    let [first, last, latest] = [Infinity, -Infinity, 0];
    for (const { time, latenessMs } of this.#fixes.values()) {
      first = Math.min(first, time);
      last = Math.max(last, time);
      latest = Math.max(latest, latenessMs);
    }
    const empty = this.#fixes.size === 0;
    const hours = Math.round((about.graceMs / 3_600_000) * 10) / 10;
    return {
      tenant_id: tenantId,
      task_id: hashId('task', 'BEYOND_GRACE', tenantId, unit, this.date),
      kind: 'BEYOND_GRACE',
      status: empty ? 'DONE' : 'OPEN',
      unit,
      business_date: this.date,
      fix_count: this.#fixes.size,
      first_event_time: empty ? 0 : first,
      last_event_time: empty ? 0 : last,
      max_late_by_s: Math.floor(latest / 1000),
      revision: this.revision,
      detail: `${this.#fixes.size} positions of ${unit} on ${this.date} came more than ${hours} h late and were not applied; decide whether the day is computed again`,
      trace: about.trace,
    };
  }
}
