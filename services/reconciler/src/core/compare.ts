import { expectedFields, type ComparedEvent, type Value } from './expected-fields.ts';
import type { Resolve } from './resolve-id.ts';

/** A record as the ERP has it in effect: row plus amendments, in contract terms. */
export interface ComparedRecord {
  readonly key: string;
  readonly triple: { readonly revision: number } | null;
  readonly present: boolean;
  readonly amendments: number;
  readonly fields: Readonly<Record<string, Value>>;
}

/** Why a fact is not, or not as wanted, in the ERP. */
export type Cause =
  /** Waits for an id of both systems. */
  | 'waiting'
  /** A person must act. */
  | 'manual'
  | 'dead_lettered'
  /** Published, and no delivery was reported yet. */
  | 'not_delivered'
  /** Was delivered, and the ERP has it no more. */
  | 'vanished'
  /** Was delivered, and somebody changed it in the ERP. */
  | 'edited';

export interface Gap {
  readonly entity: string;
  readonly entity_id: string;
  readonly event_id: string;
  readonly unit: string | null;
  readonly revision: number;
  readonly cause: Cause;
  readonly detail: string | null;
}

export interface FieldDifference {
  readonly field: string;
  readonly expected: Value;
  readonly found: Value;
}

export interface Drift extends Gap {
  readonly fields: readonly FieldDifference[];
}

/** A row that carries our triple and has no event. */
export interface Orphan {
  readonly entity: string;
  readonly entity_id: string;
  readonly revision: number;
}

export interface Comparison {
  /** Facts that should stand in the ERP. */
  readonly events: number;
  /** Records in effect in the ERP that carry our triple. */
  readonly rows: number;
  readonly gaps: readonly Gap[];
  readonly drift: readonly Drift[];
  readonly orphans: readonly Orphan[];
}

export interface Rules {
  readonly entity: ComparedEvent['entity'];
  readonly zone: string;
  readonly resolve: Resolve;
  /** Greatest difference of a field that is none, in the field's unit (ms for instants). */
  readonly tolerance: (field: string) => number;
  /** Fields that amendments of closed periods carry. */
  readonly amendable: ReadonlySet<string>;
}

/**
 * One event per entity: several events of one entity (statuses of an order) stand for it by the
 * newest revision.
 */
function newestPerEntity(events: readonly ComparedEvent[]): ReadonlyMap<string, ComparedEvent> {
  const newest = new Map<string, ComparedEvent>();
  for (const event of events) {
    const known = newest.get(event.entity_id);
    if (known === undefined || event.revision > known.revision) newest.set(event.entity_id, event);
  }
  return newest;
}

/** The cause of a difference; `otherwise` when the newest version was delivered. */
function causeOf(event: ComparedEvent, otherwise: Cause): Cause {
  switch (event.outcome) {
    case 'WAITING':
      return 'waiting';
    case 'MANUAL':
      return 'manual';
    case 'DEAD_LETTERED':
      return 'dead_lettered';
    default:
      if (event.written !== null && event.written.revision >= event.revision) return otherwise;
      return event.dead_letter_code === null ? 'not_delivered' : 'dead_lettered';
  }
}

function gapOf(event: ComparedEvent, otherwise: Cause): Gap {
  const { entity, entity_id, event_id, unit, revision, reason, dead_letter_code: code } = event;
  const cause = causeOf(event, otherwise);
  const detail = cause === 'dead_lettered' ? (reason ?? code) : reason;
  return { entity, entity_id, event_id, unit, revision, cause, detail };
}

function differs(expected: Value, found: Value, tolerance: number): boolean {
  if (typeof expected === 'number' && typeof found === 'number') {
    return Math.abs(expected - found) > tolerance;
  }
  return expected !== found;
}

function differences(
  event: ComparedEvent,
  record: ComparedRecord,
  rules: Rules,
): FieldDifference[] {
  // Rows of closed periods are not touched any more: what amendments cannot carry stays as it was.
  const closed =
    record.amendments > 0 ||
    (event.outcome === 'UNCHANGED' && (record.triple?.revision ?? 0) < event.revision);
  const found: FieldDifference[] = [];
  for (const [field, expected] of Object.entries(
    expectedFields(event, rules.resolve, rules.zone),
  )) {
    const value = record.fields[field];
    if (value === undefined || (closed && !rules.amendable.has(field))) continue;
    if (differs(expected, value, rules.tolerance(field))) {
      found.push({ field, expected, found: value });
    }
  }
  return found;
}

/** Compares the events of one entity of a tenant with its records in the ERP. */
export function compare(
  events: readonly ComparedEvent[],
  records: readonly ComparedRecord[],
  rules: Rules,
): Comparison {
  const wanted = newestPerEntity(events);
  const byKey = new Map(records.map((record) => [record.key, record]));
  const gaps: Gap[] = [];
  const drift: Drift[] = [];
  for (const event of wanted.values()) {
    const record = byKey.get(event.entity_id);
    const present = record?.present === true;
    if (event.retracted) {
      if (!present) continue;
      const fields = [{ field: 'retracted', expected: 'true', found: 'false' }];
      drift.push({ ...gapOf(event, 'edited'), fields });
    } else if (!present) {
      gaps.push(gapOf(event, 'vanished'));
    } else {
      const fields = differences(event, record, rules);
      if (fields.length > 0) drift.push({ ...gapOf(event, 'edited'), fields });
    }
  }
  const ours = records.filter(({ triple, present }) => triple !== null && present);
  return {
    events: [...wanted.values()].filter(({ retracted }) => !retracted).length,
    rows: ours.length,
    gaps,
    drift,
    orphans: ours
      .filter(({ key }) => !wanted.has(key))
      .map(({ key, triple }) => ({
        entity: rules.entity,
        entity_id: key,
        revision: triple?.revision ?? 0,
      })),
  };
}
