/** Judges a simulation. */
import assert from 'node:assert/strict';
import { identityOf, isFix, messagesOf } from './extracted.ts';
import type { Simulated } from './simulation.ts';

/**
 * How long a message may take that a poll showed, or that a gap hid from the polls and the reading behind the gap
 * had to find, s. The others have time until the proofs.
 */
const SHOWN_WITHIN_S = 3600;

/** When a day is proven for the last time: in the night in which it turns so old. */
const LAST_PROOF_S = 10 * 86_400 + 3600;
/** A night's proof, what it finds read again, and the faults that come between. */
const PROOF_WITHIN_S = 6 * 3600;

/** Figures of a run, for whoever reads its output. */
export interface Judged {
  readonly units: number;
  readonly messages: number;
  readonly fixes: number;
  readonly pages: number;
  /** Messages that stand in more than one page. */
  readonly repeated: number;
  readonly late: number;
  readonly silent: number;
  /** s from registration to the page, the greatest of the messages that polls showed. */
  readonly worst_shown_s: number;
  /** The same, days, of those that only a proof could find. */
  readonly worst_proven_days: number;
  readonly logins: number;
  readonly faults: Readonly<Record<string, number>>;
}

const LATE_S = 60;
const DAY_S = 86_400;

/**
 * What was extracted is what the twin has: every message of every unit, malformed ones as well, none that it does
 * not have, and every fix under one identity.
 */
export function judge(simulated: Simulated): Judged {
  const { twin, account, pages, sessions, lookbackHours, kills, startS } = simulated;
  const shown = new Set<string>();
  const firstSeen = new Map<string, number>();
  let read = 0;
  for (const { unit, message, receivedS, isLive } of messagesOf(pages)) {
    read++;
    const id = identityOf(unit, message);
    if (isLive) shown.add(id);
    firstSeen.set(id, Math.min(firstSeen.get(id) ?? Infinity, receivedS));
  }
  const registered = new Map<string, number>();
  const fixes = new Map<string, Set<string>>();
  let [late, silent, worst, proven] = [0, 0, 0, 0];
  const overdue: string[] = [];
  const missing: string[] = [];
  for (const { unitId, t, rt, json, silent: isSilent } of twin.messages(account)) {
    const unit = `wialon:${unitId}`;
    const message: unknown = JSON.parse(json);
    const id = identityOf(unit, message);
    if (isFix(message)) fixes.set(unit, (fixes.get(unit) ?? new Set()).add(id));
    if (rt - t >= LATE_S) late++;
    if (isSilent) silent++;
    const seenS = firstSeen.get(id);
    if (seenS === undefined) missing.push(`${unit} t ${t} rt ${rt}${isSilent ? ' silent' : ''}`);
    // A repeat is in as soon as the first one is.
    if (registered.has(id)) continue;
    registered.set(id, rt);
    const isDue = shown.has(id) || (!isSilent && rt - t < lookbackHours * 3600);
    if (seenS === undefined) continue;
    const tookS = seenS - Math.max(rt, startS);
    if (isDue) worst = Math.max(worst, tookS);
    else {
      proven = Math.max(proven, tookS);
      const lastProof = Math.floor(t / DAY_S) * DAY_S + LAST_PROOF_S;
      if (seenS > lastProof + PROOF_WITHIN_S) overdue.push(`${unit} t ${t} rt ${rt} at ${seenS}`);
    }
  }
  const some = missing.slice(0, 20).join('\n');
  assert.equal(missing.length, 0, `of ${registered.size} messages are missing:\n${some}`);
  for (const id of firstSeen.keys()) assert.ok(registered.has(id), `${id} was never registered`);
  for (const { unit_id: unitId, distinct } of twin.store().accounts[0]?.units ?? []) {
    assert.equal(fixes.get(`wialon:${unitId}`)?.size ?? 0, distinct, `fixes of ${unitId}`);
  }
  assert.deepEqual(overdue, [], 'messages that the last proof of their day should have found');
  assert.ok(worst <= SHOWN_WITHIN_S, `a message that a poll showed came after ${worst} s`);
  const { accounts, refused_logins: refused, faults } = twin.calls();
  const kinds = (kind: string): number => sessions.filter((one) => one.kind === kind).length;
  const logins = accounts[0]?.logins ?? 0;
  const audited = kinds('LOGIN') + kinds('REFRESH');
  // What dies between the provider's answer and its own commit takes that line with it.
  assert.ok(audited <= logins && audited >= logins - kills, `${audited} of ${logins} are audited`);
  const over = sessions.filter(({ kind }) => kind === 'EXPIRY' || kind === 'LOGOUT');
  const hashes = new Set(over.map((one) => one.session_hash));
  // A session that ends by its own silence is one that nobody used any more.
  const unnoticed = (accounts[0]?.live ?? 0) + (accounts[0]?.ended.idle ?? 0) + kills;
  assert.ok(hashes.size >= logins - unnoticed, `${hashes.size} of ${logins} sessions have an end`);
  const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0);
  assert.ok(kinds('FAILURE') >= refusals, 'every refused login is in the audit');
  return {
    units: twin.store().accounts[0]?.units.length ?? 0,
    messages: registered.size,
    fixes: [...fixes.values()].reduce((sum, ids) => sum + ids.size, 0),
    pages: pages.length,
    repeated: read - firstSeen.size,
    late,
    silent,
    worst_shown_s: Math.round(worst),
    worst_proven_days: Math.round((proven / DAY_S) * 10) / 10,
    logins,
    faults,
  };
}
