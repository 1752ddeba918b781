import {
  allTopics,
  type Cause,
  type Message,
  type ProposalChanged,
  type ProposedChange,
} from '@waybill/contracts';
import { businessDate, hashId, localTime } from '@waybill/domain';
import type { PublishedFacts } from './archive.ts';
import { readArchive, writeArchive } from './archive.ts';
import type { Difference } from './recompute.ts';
import type { Announcement } from './rule.ts';
import { RULES } from './rule-list.ts';

/** What is published when a proposal is accepted. */
export interface ProposedVersion {
  readonly rule: string;
  /** Revision of the published version that it was compared with; -1 = there was none. */
  readonly beforeRevision: number;
  /** The fact as it will stand, base64 of the archive's bytes. */
  readonly entry: string;
  readonly announcements: readonly { readonly topic: string; readonly message: Message }[];
}

/** A proposal with what its acceptance does. */
export interface SavedProposal {
  readonly event: ProposalChanged;
  readonly versions: readonly ProposedVersion[];
}

/** Fields that every announced event has; rules decide the others. */
interface Announced {
  readonly event_id: string;
  readonly event_time: number;
  readonly revision: number;
  readonly cause: Cause;
  readonly distance_km?: number;
}

function announced({ announcements }: Difference['decision']): Announced | undefined {
  return announcements[0]?.message.value as Announced | undefined;
}

const kinds = { inserted: 'INSERT', updated: 'UPDATE', retracted: 'RETRACT' } as const;

function instant(time: number): string {
  return `${localTime(time, 'UTC')}Z`;
}

function open(time: number): number | null {
  return Number.isFinite(time) ? time : null;
}

function changeOf({ decision, interval, before }: Difference): ProposedChange {
  const event = announced(decision);
  const km = event?.distance_km === undefined ? '' : `, ${event.distance_km} km`;
  const end = Number.isFinite(interval.to) ? instant(interval.to) : 'open';
  const was =
    before === undefined || decision.change !== 'updated'
      ? ''
      : `; was ${instant(before.interval.from)} to ${Number.isFinite(before.interval.to) ? instant(before.interval.to) : 'open'}`;
  return {
    entity: decision.rule,
    change: kinds[decision.change],
    event_id: event?.event_id ?? decision.entry.id,
    entity_id: decision.entry.id,
    from_time: interval.from,
    to_time: open(interval.to),
    before_from_time: before?.interval.from ?? null,
    before_to_time: before === undefined ? null : open(before.interval.to),
    detail: `${decision.rule} ${decision.change}: ${instant(interval.from)} to ${end}${km}${was}`,
  };
}

function only(rule: string, entry: Difference['decision']['entry']): PublishedFacts {
  return RULES.map(({ name }) => (name === rule ? [entry] : []));
}

function versionOf({ decision, before }: Difference): ProposedVersion {
  return {
    rule: decision.rule,
    beforeRevision: before?.entry.revision ?? -1,
    entry: Buffer.from(writeArchive(only(decision.rule, decision.entry))).toString('base64'),
    announcements: decision.announcements.map(({ topic, message }) => ({
      topic: topic.name,
      // Plain fields: decoded values may be instances of the codec's own classes.
      message: JSON.parse(JSON.stringify(message)) as Message,
    })),
  };
}

/** Differences by the business day that they are booked on, in order of time. */
export function byBusinessDate(
  differences: readonly Difference[],
  timeZone: string,
): ReadonlyMap<string, readonly Difference[]> {
  const sorted = differences.toSorted((a, b) => a.interval.from - b.interval.from);
  return Map.groupBy(sorted, ({ decision, interval }) =>
    businessDate(announced(decision)?.event_time ?? interval.from, timeZone),
  );
}

/** Which record said a fact, and when it was received: other ones whenever a range is read again. */
const UNSAID = Object.freeze({
  ...{ revision: 0, received_time: 0, provider_time: 0 },
  ...{ trace: null, first_fix: null, last_fix: null },
});

/** The proposal of one unit and day. Its id names its content: equal differences are one proposal. */
export function proposalOf(
  about: Omit<ProposalChanged, 'proposal_id' | 'changes' | 'decided_by'>,
  differences: readonly Difference[],
): SavedProposal {
  const versions = differences.map(versionOf);
  const changes = differences.map(changeOf);
  const content = differences.map(({ decision, before }) => [
    decision.rule,
    decision.change,
    decision.entry.id,
    before?.entry.revision ?? -1,
    ...decision.announcements.map(({ message }) => ({ ...(message.value as object), ...UNSAID })),
  ]);
  const { tenant_id, unit, business_date } = about;
  const proposal_id = hashId('proposal', tenant_id, unit, business_date, JSON.stringify(content));
  return { event: { ...about, proposal_id, changes, decided_by: null }, versions };
}

/** What an acceptance publishes of one version: newer than all before, and why. */
export function acceptedOf(
  version: ProposedVersion,
  judgedTime: number,
): { readonly published: PublishedFacts; readonly announcements: readonly Announcement[] } {
  const revision = Math.max(version.beforeRevision + 1, judgedTime);
  const published = readArchive(Buffer.from(version.entry, 'base64')).map((entries) =>
    entries.map((entry) => ({ ...entry, revision })),
  );
  const announcements = version.announcements.flatMap(({ topic: name, message }) => {
    const topic = allTopics.find((candidate) => candidate.name === name);
    if (topic === undefined) return [];
    const value = message.value as Announced;
    const cause: Cause = value.cause === 'late_fix' ? 'accepted_late' : 'recomputed';
    return [{ topic, message: { type: message.type, value: { ...value, revision, cause } } }];
  });
  return { published, announcements };
}
