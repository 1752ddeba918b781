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
/** Examples in the text of a failure. */
const EXAMPLES = 20;

/** What stands in the pages. */
interface Extraction {
  /** Unit and body of every message. */
  readonly bodies: ReadonlySet<string>;
  /** When each identity was seen first, s. */
  readonly firstSeen: ReadonlyMap<string, number>;
  /** Identities that a poll showed. */
  readonly shown: ReadonlySet<string>;
  readonly read: number;
}

const bodyOf = (unit: string, message: unknown): string => `${unit} ${JSON.stringify(message)}`;

function extractionOf({ pages }: Simulated): Extraction {
  const bodies = new Set<string>();
  const firstSeen = new Map<string, number>();
  const shown = new Set<string>();
  let read = 0;
  for (const { unit, message, receivedS, isLive } of messagesOf(pages)) {
    read++;
    const id = identityOf(unit, message);
    bodies.add(bodyOf(unit, message));
    if (isLive) shown.add(id);
    firstSeen.set(id, Math.min(firstSeen.get(id) ?? Infinity, receivedS));
  }
  return { bodies, firstSeen, shown, read };
}

type Figures = Pick<
  Judged,
  'messages' | 'fixes' | 'late' | 'silent' | 'worst_shown_s' | 'worst_proven_days'
>;

/**
 * Extracted is what the provider has: each message as it is, none more, in time; and there are as many identities
 * as the provider counts fixes, so none is doubled.
 */
function judgeMessages(
  { twin, account, lookbackHours, startS }: Simulated,
  extraction: Extraction,
): Figures {
  const { bodies, firstSeen, shown } = extraction;
  const registered = new Set<string>();
  const registeredBodies = new Set<string>();
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
    const body = bodyOf(unit, message);
    registeredBodies.add(body);
    if (!bodies.has(body)) missing.push(`${body} of ${rt}${isSilent ? ', silent' : ''}`);
    // A repeat is in as soon as the first one is.
    if (registered.has(id)) continue;
    registered.add(id);
    const isDue = shown.has(id) || (!isSilent && rt - t < lookbackHours * 3600);
    const seenS = firstSeen.get(id);
    if (seenS === undefined) continue;
    const tookS = seenS - Math.max(rt, startS);
    if (isDue) worst = Math.max(worst, tookS);
    else {
      proven = Math.max(proven, tookS);
      const lastProof = Math.floor(t / DAY_S) * DAY_S + LAST_PROOF_S;
      if (seenS > lastProof + PROOF_WITHIN_S) overdue.push(`${unit} t ${t} rt ${rt} at ${seenS}`);
    }
  }
  const some = missing.slice(0, EXAMPLES).join('\n');
  assert.equal(missing.length, 0, `of ${registered.size} messages are missing:\n${some}`);
  for (const body of bodies) {
    assert.ok(registeredBodies.has(body), `was never registered: ${body}`);
  }
  for (const { unit_id: unitId, distinct } of unitsOf(twin)) {
    assert.equal(fixes.get(`wialon:${unitId}`)?.size ?? 0, distinct, `fixes of ${unitId}`);
  }
  assert.deepEqual(overdue, [], 'messages that the last proof of their day should have found');
  assert.ok(worst <= SHOWN_WITHIN_S, `a message that a poll showed came after ${worst} s`);
  return {
    messages: registered.size,
    fixes: [...fixes.values()].reduce((sum, ids) => sum + ids.size, 0),
    late,
    silent,
    worst_shown_s: Math.round(worst),
    worst_proven_days: Math.round((proven / DAY_S) * 10) / 10,
  };
}

const unitsOf = (
  twin: Simulated['twin'],
): readonly { readonly unit_id: number; readonly distinct: number }[] =>
  twin.store().accounts[0]?.units ?? [];

/** Every login, every end of a session and every refusal is in the audit. Returns the logins. */
function judgeAudit({ twin, sessions, kills }: Simulated): number {
  const { accounts, refused_logins: refused } = twin.calls();
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
  return logins;
}

/**
 * What was extracted is what the twin has: every message of every unit, malformed ones as well, none that it does
 * not have, and every fix under one identity; and the audit has every event of a session.
 */
export function judge(simulated: Simulated): Judged {
  const { twin, pages } = simulated;
  const extraction = extractionOf(simulated);
  const figures = judgeMessages(simulated, extraction);
  return {
    units: unitsOf(twin).length,
    ...figures,
    pages: pages.length,
    repeated: extraction.read - extraction.firstSeen.size,
    logins: judgeAudit(simulated),
    faults: twin.calls().faults,
  };
}
