import type { SiteVisited, TripCompleted } from '@waybill/contracts';
import type { Bucket } from './beyond-grace.ts';
import type { Published, PublishedChange } from './publication.ts';
import { Seen } from './seen.ts';
import { Timeline } from './timeline.ts';
import type { TripCut } from './trip-fold.ts';
import type { Presence, VisitCut } from './visit-fold.ts';

/** What is to be done; carried out in order. */
export type Decision =
  | { readonly kind: 'trip'; readonly change: PublishedChange; readonly event: TripCompleted }
  | { readonly kind: 'visit'; readonly change: PublishedChange; readonly event: SiteVisited }
  /** A trip that the contract cannot express. */
  | { readonly kind: 'implausible'; readonly eventTime: number; readonly message: string };

/**
 * All that is known of one unit.
 *
 * `trips` and `visits` hold what was published and may still change: a fact leaves them when the chunk
 * that closed it is trimmed. `implausible` holds the starts of reported cuts that cannot be published.
 * The `settled…` fields remember for which state the published set was last compared, `savedChunks`
 * which chunks the saved head part names.
 */
export interface Unit {
  readonly tenantId: string;
  readonly name: string;
  readonly timeline: Timeline;
  trips: readonly Published<TripCut>[];
  visits: readonly Published<VisitCut>[];
  implausible: readonly number[];
  readonly buckets: Map<string, Bucket>;
  readonly seen: Seen;
  /** True when the changelog does not have the present head part. */
  unsaved: boolean;
  savedChunks: number;
  settledCuts: number;
  settledPresences: readonly Presence[] | undefined;
  settledRun: unknown;
}

/** A unit of which nothing is known. */
export function newUnit(tenantId: string, name: string): Unit {
  return unitOf(tenantId, name, new Timeline());
}

/** A unit around a restored timeline. */
export function unitOf(tenantId: string, name: string, timeline: Timeline): Unit {
  return {
    tenantId,
    name,
    timeline,
    trips: [],
    visits: [],
    implausible: [],
    buckets: new Map(),
    seen: new Seen(),
    unsaved: true,
    savedChunks: timeline.chunksVersion,
    settledCuts: -1,
    settledPresences: undefined,
    settledRun: undefined,
  };
}
