import { topics } from '@waybill/contracts';
import type { Outgoing } from '@waybill/stream';
import { accountKey, unitName, type Account } from './core/account.ts';
import { ask, type Session } from './ask.ts';
import { publishPages, type AccountContext } from './context.ts';
import { savedCounts } from './read-unit.ts';
import { loadWindow } from './read-windows.ts';

const DAY_HOURS = 24;
const HOUR_S = 3600;
const DAY_S = DAY_HOURS * HOUR_S;

/**
 * The day, counted from 1970, whose nightly proof is due at the provider's time: the newest that ended
 * before `hourUtc` of today. Its messages have had that long to arrive.
 */
export function proofDay(nowS: number, { proof }: Pick<Account, 'proof'>): number {
  return Math.floor((nowS - proof.hourUtc * HOUR_S) / DAY_S) - 1;
}

/** The days that are counted with `day`: itself, and the one that turns old, of which nothing later is looked for. */
export function daysWith(day: number, { proof }: Pick<Account, 'proof'>): readonly number[] {
  return proof.days > 1 ? [day, day - proof.days + 1] : [day];
}

function countIn(answer: unknown): number | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  if ('error' in answer) return answer.error === 1001 || answer.error === 2 ? 0 : undefined;
  if (!('count' in answer) || typeof answer.count !== 'number') return undefined;
  return Number.isSafeInteger(answer.count) && answer.count >= 0 ? answer.count : undefined;
}

/**
 * The provider's counts of the hours from `firstHour` on, in one call; hours that the batch leaves open
 * are asked one by one. Undefined when the unit cannot be read.
 */
async function providerCounts(
  context: AccountContext,
  session: Session,
  id: number,
  hours: readonly number[],
): Promise<readonly number[] | undefined> {
  const windows = hours.map((hour) => ({ fromS: hour * HOUR_S, toS: (hour + 1) * HOUR_S - 1 }));
  const params = [
    ...windows.map(({ fromS, toS }) => ({
      svc: 'messages/load_interval',
      params: { itemId: id, timeFrom: fromS, timeTo: toS, flags: 0, flagsMask: 0, loadCount: 0 },
    })),
    { svc: 'messages/unload', params: {} },
  ];
  const asked = await ask(context, session, 'core/batch', { params, flags: 0 });
  const answers: readonly unknown[] =
    asked.kind === 'answer' && Array.isArray(asked.json) && asked.json.length === params.length
      ? asked.json
      : [];
  const counts: number[] = [];
  for (const [at, window] of windows.entries()) {
    const given = countIn(answers[at]);
    if (given !== undefined) context.memory.budget.loaded(given);
    const count = given ?? (await loadWindow(context, session, id, window));
    if (count === 'skip') return undefined;
    // So many that they cannot be counted: certainly to be read again.
    counts.push(count === 'narrow' ? -1 : count);
    if (given === undefined) await ask(context, session, 'messages/unload', {});
  }
  return counts;
}

function evidence(
  context: AccountContext,
  unit: string,
  hours: readonly number[],
  counts: { readonly provider: readonly number[]; readonly extracted: readonly number[] },
  reread: number,
): Outgoing {
  const { account, ports } = context;
  return {
    topic: topics.wialonCount,
    key: accountKey(account),
    message: {
      type: 'MessagesCounted',
      value: {
        tenant_id: account.tenantId,
        source_id: account.sourceId,
        account: account.account,
        unit,
        from_time: (hours[0] ?? 0) * HOUR_S * 1000,
        provider_counts: [...counts.provider],
        extracted_counts: [...counts.extracted],
        reread_hours: reread,
        received_time: ports.clock.now(),
      },
    },
  };
}

/**
 * Compares the provider's counts of a unit's day, hour by hour, with what was extracted. Hours that differ,
 * or whose extracted count is not known, are marked to be read again. Both counts go out as evidence.
 */
export async function proveDay(
  context: AccountContext,
  session: Session,
  id: number,
  day: number,
): Promise<void> {
  const { account, memory, ports } = context;
  const unit = unitName(id);
  const firstHour = Math.max(day * DAY_HOURS, Math.ceil(account.readFromTime / 1000 / HOUR_S));
  const hours: number[] = [];
  for (let hour = firstHour; hour < (day + 1) * DAY_HOURS; hour += 1) hours.push(hour);
  if (hours.length === 0) return;
  const extracted = hours.map((hour) => memory.hours.of(unit, hour));
  const provider = await providerCounts(context, session, id, hours);
  if (provider === undefined) return;
  let reread = 0;
  let unknown = 0;
  for (const [at, hour] of hours.entries()) {
    // Read once more: a live message may have been counted while the provider answered.
    const ours = memory.hours.of(unit, hour);
    const theirs = provider[at] ?? 0;
    if (ours === theirs || extracted[at] === theirs || (ours < 0 && theirs === 0)) continue;
    memory.dirty.markDue(unit, hour);
    reread += 1;
    if (ours < 0) unknown += 1;
  }
  ports.metrics.proved('equal', hours.length - reread);
  ports.metrics.proved('different', reread - unknown);
  ports.metrics.proved('unknown', unknown);
  const record = evidence(context, unit, hours, { provider, extracted }, reread);
  await publishPages(context, [], undefined, [record, ...savedCounts(context, unit, session.hash)]);
}
