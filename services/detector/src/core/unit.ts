import type { Cause } from '@waybill/contracts';
import type { Bucket } from './beyond-grace.ts';
import { Facts } from './facts.ts';
import type { UnitPages } from './pages.ts';
import type { Published, PublishedChange } from './publication.ts';
import type { Announcement, Refusal, RuleName } from './rule.ts';
import type { Refusals } from './refusals.ts';
import { RULES } from './rule-list.ts';
import { Seen } from './seen.ts';
import { Timeline } from './timeline.ts';

/** What is to be done; carried out in order. */
export type Decision =
  | {
      readonly kind: 'publish';
      readonly rule: RuleName;
      readonly change: PublishedChange;
      readonly cause: Cause;
      /** The fact as it stands in the published set from now on. */
      readonly entry: Published<unknown>;
      readonly announcements: readonly Announcement[];
    }
  /** A cut that its contract cannot express. */
  | {
      readonly kind: 'refuse';
      readonly rule: RuleName;
      readonly eventTime: number;
      readonly refusal: Refusal;
    };

/**
 * All that is known of one unit. `savedChunks` remembers which chunks the saved head part names.
 */
export interface Unit {
  readonly tenantId: string;
  readonly name: string;
  readonly timeline: Timeline;
  /** One per rule of `RULES`. */
  readonly facts: readonly Facts[];
  readonly buckets: Map<string, Bucket>;
  readonly seen: Seen;
  /** Undefined while nothing was refused at the limit: nearly every unit. */
  refusals: Refusals | undefined;
  /** True when the changelog does not have the present head part. */
  unsaved: boolean;
  savedChunks: number;
}

/** A unit of which nothing is known. */
export function newUnit(tenantId: string, name: string, pages?: UnitPages): Unit {
  return unitOf(tenantId, name, new Timeline(pages));
}

/** A unit around a restored timeline. */
export function unitOf(tenantId: string, name: string, timeline: Timeline): Unit {
  return {
    tenantId,
    name,
    timeline,
    facts: RULES.map((rule) => new Facts(rule)),
    buckets: new Map(),
    seen: new Seen(),
    refusals: undefined,
    unsaved: true,
    savedChunks: timeline.chunksVersion,
  };
}
