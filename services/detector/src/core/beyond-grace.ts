import type { RawAddress, TaskRaised } from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { ByteReader, ByteWriter } from './bytes.ts';
import { providerTimeOf, type Fix } from './fix.ts';

const writer = new ByteWriter();

/** A bucket is dropped when nothing came for this long, ms; what comes again after that is a repeat. */
export const BUCKET_MS = 35 * 86_400_000;

/** Fixes that a bucket counts at most. */
export const BUCKET_FIXES = 100_000;

/** A bucket without a fix was never filled; it raises no task. */
const NO_TRACE: RawAddress = { topic: '', partition: 0, offset: 0, index: -1 };

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
  /** What the task says has changed. */
  isTaskDue = false;
  /** Its range was asked for since the newest fix came. */
  #asked = false;
  /** T at which the range is asked for once more, ms. */
  #askAgainAt = Infinity;
  /** Somebody decided about all that it holds. */
  #decided = false;
  #trace: RawAddress | undefined;
  readonly #fixes = new Map<string, LateFix>();

  constructor(date: string, saved?: Uint8Array) {
    this.date = date;
    const reader = saved === undefined ? undefined : new ByteReader(saved);
    this.revision = reader?.f64() ?? 0;
    this.newestProviderTime = reader?.f64() ?? -Infinity;
    const flags = reader?.u8() ?? 0;
    this.#asked = (flags & 1) !== 0;
    this.#decided = (flags & 2) !== 0;
    this.#askAgainAt = reader?.f64() ?? Infinity;
    this.#trace = reader?.optional(() => ({
      topic: reader.text(),
      partition: reader.i32(),
      offset: reader.f64(),
      index: reader.i32(),
    }));
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

  /** Takes the fix of an `event_id`. False for a repeat; the earlier registration of a fix counts. */
  add(id: string, fix: Fix): boolean {
    const known = this.#fixes.get(id);
    if (known !== undefined && known.latenessMs <= fix.latenessMs) return false;
    this.#fixes.set(id, { time: fix.time, latenessMs: fix.latenessMs });
    this.newestProviderTime = Math.max(this.newestProviderTime, providerTimeOf(fix));
    this.unsaved = true;
    this.#trace = fix.address;
    if (known !== undefined) return false;
    this.isTaskDue = true;
    this.#asked = false;
    this.#decided = false;
    return true;
  }

  /** A copy that was registered in time has turned up: the fix counts after all. */
  remove(id: string): boolean {
    const removed = this.#fixes.delete(id);
    this.unsaved ||= removed;
    this.isTaskDue ||= removed;
    return removed;
  }

  /** Oldest and newest device time, ms. */
  span(): { readonly first: number; readonly last: number } {
    let [first, last] = [Infinity, -Infinity];
    for (const { time } of this.#fixes.values()) {
      first = Math.min(first, time);
      last = Math.max(last, time);
    }
    return { first, last };
  }

  /** T from which on its range is to be read again: nothing came for `quietMs`; Infinity = not now. */
  quietDue(quietMs: number): number {
    if (this.#decided || this.#fixes.size === 0) return Infinity;
    return this.#asked ? this.#askAgainAt : this.newestProviderTime + quietMs;
  }

  /** Its range has been asked for. */
  ask(): void {
    this.#asked = true;
    this.#askAgainAt = Infinity;
    this.unsaved = true;
  }

  /** Not all could be judged yet: its range is asked for once more when T gets there. */
  askAgain(at: number): void {
    this.#askAgainAt = at;
    this.unsaved = true;
  }

  /** All that it holds has been decided about; what comes after that opens it again. */
  decide(): void {
    if (this.#decided) return;
    this.#decided = true;
    this.isTaskDue = true;
    this.unsaved = true;
  }

  save(): Uint8Array {
    writer.f64(this.revision);
    writer.f64(this.newestProviderTime);
    writer.u8((this.#asked ? 1 : 0) + (this.#decided ? 2 : 0));
    writer.f64(this.#askAgainAt);
    writer.optional(this.#trace, ({ topic, partition, offset, index }) => {
      writer.text(topic);
      writer.i32(partition);
      writer.f64(offset);
      writer.i32(index);
    });
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
  }): TaskRaised {
    const { tenantId, unit } = about;
    this.isTaskDue = false;
    this.unsaved = true;
    this.revision = Math.max(this.revision + 1, about.receivedTime);
    const { first, last } = this.span();
    let latest = 0;
    for (const { latenessMs } of this.#fixes.values()) latest = Math.max(latest, latenessMs);
    const empty = this.#fixes.size === 0;
    const hours = Math.round((about.graceMs / 3_600_000) * 10) / 10;
    return {
      tenant_id: tenantId,
      task_id: hashId('task', 'BEYOND_GRACE', tenantId, unit, this.date),
      kind: 'BEYOND_GRACE',
      status: empty || this.#decided ? 'DONE' : 'OPEN',
      unit,
      business_date: this.date,
      fix_count: this.#fixes.size,
      first_event_time: empty ? 0 : first,
      last_event_time: empty ? 0 : last,
      max_late_by_s: Math.floor(latest / 1000),
      revision: this.revision,
      detail: `${this.#fixes.size} positions of ${unit} on ${this.date} came more than ${hours} h late and were not applied; decide whether the day is computed again`,
      trace: this.#trace ?? NO_TRACE,
    };
  }
}
