// Each sentence that a simulation is judged by can be false: a good run is spoilt in one way at a time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageFetched, SessionChanged } from '@waybill/contracts';
import type { Twin } from '@waybill/wialon-twin';
import { messagesOf, type Extracted } from './extracted.ts';
import { judge } from './judge.ts';
import { simulate, type Simulated } from './simulation.ts';

const SEED = 7;
const DAY_S = 86_400;

/** Pages of one message each, as if that were what had been extracted. */
function pagesOf(template: PageFetched, messages: readonly Extracted[]): PageFetched[] {
  return messages.map(({ unit, message, receivedS, isLive }) => ({
    ...template,
    unit: isLive ? null : unit,
    call: isLive ? 'avl_evts' : 'messages/get_messages',
    received_time: receivedS * 1000,
    body: Buffer.from(
      JSON.stringify(
        isLive ? { events: [{ i: Number(unit.split(':')[1]), t: 'm', d: message }] } : [message],
      ),
    ),
  }));
}

/** A change of what was extracted, of the audit, or of what the provider says it has. */
interface Spoiling {
  readonly extracted?: (messages: readonly Extracted[]) => readonly Extracted[];
  readonly sessions?: (sessions: readonly SessionChanged[]) => readonly SessionChanged[];
  readonly twin?: (twin: Twin) => Partial<Twin>;
}

function spoilt(good: Simulated, { extracted, sessions, twin }: Spoiling): Simulated {
  const template = good.pages.find(({ unusable_reason: reason }) => reason === null);
  assert.ok(template);
  const messages = [...messagesOf(good.pages)];
  return {
    ...good,
    pages: pagesOf(template, extracted?.(messages) ?? messages),
    sessions: sessions?.(good.sessions) ?? good.sessions,
    twin: { ...good.twin, ...twin?.(good.twin) },
  };
}

/** The last message that is a fix on its own. */
function one(messages: readonly Extracted[]): Extracted {
  const found = messages.findLast(
    ({ message }) => (message as { pos?: unknown }).pos !== undefined,
  );
  assert.ok(found);
  return found;
}
const isSame = (a: Extracted, b: Extracted): boolean =>
  a.unit === b.unit && JSON.stringify(a.message) === JSON.stringify(b.message);
const changed = (from: Extracted, change: object): Extracted => ({
  ...from,
  message: { ...(from.message as object), ...change },
});
const without = (...kinds: readonly string[]): Spoiling => ({
  sessions: (all) => all.filter(({ kind }) => !kinds.includes(kind)),
});
function* silent(messages: ReturnType<Twin['messages']>): ReturnType<Twin['messages']> {
  for (const message of messages) yield { ...message, silent: true };
}

const spoilings: Readonly<Record<string, readonly [Spoiling, RegExp]>> = {
  'a message is lost': [
    { extracted: (all) => all.filter((each) => !isSame(each, one(all))) },
    /of \d+ messages are missing:\nwialon:/,
  ],
  'a message is altered': [
    {
      extracted: (all) =>
        all.map((each) => (isSame(each, one(all)) ? changed(each, { i: 77 }) : each)),
    },
    /messages are missing/,
  ],
  'a message is made up': [
    { extracted: (all) => [...all, changed(one(all), { t: 1_736_121_601 })] },
    /was never registered/,
  ],
  'a message stands under another unit': [
    { extracted: (all) => [...all, { ...one(all), unit: 'wialon:1' }] },
    /was never registered/,
  ],
  'the provider counts other fixes than have an identity': [
    {
      twin: (twin) => ({
        store: () => ({
          accounts: twin.store().accounts.map(({ units, ...account }) => ({
            ...account,
            units: units.map((unit) => ({ ...unit, distinct: unit.distinct - 1 })),
          })),
        }),
      }),
    },
    /fixes of 100001/,
  ],
  'what a poll showed comes after more than an hour': [
    { extracted: (all) => all.map((each) => ({ ...each, receivedS: each.receivedS + 3601 })) },
    /that a poll showed came after/,
  ],
  'what only a proof can find comes after the last proof of its day': [
    {
      extracted: (all) =>
        all.map((each) => ({ ...each, isLive: false, receivedS: each.receivedS + 11 * DAY_S })),
      twin: (twin) => ({ messages: (account) => silent(twin.messages(account)) }),
    },
    /the last proof of their day/,
  ],
  'a login is not in the audit': [without('LOGIN'), /\d+ of \d+ are audited/],
  'the audit has a login too many': [
    { sessions: (all) => [...all, ...all.filter(({ kind }) => kind === 'LOGIN')] },
    /are audited/,
  ],
  'no end of a session is in the audit': [without('EXPIRY', 'LOGOUT'), /sessions have an end/],
  'a refused login is not in the audit': [without('FAILURE'), /every refused login/],
};

test('a simulation is judged by sentences of which each can be false', async (t) => {
  const good = await simulate({
    seed: SEED,
    hours: 1,
    drainHours: 0.25,
    fleet: { units: 2, every_s: 60, stop_s: 3600, late_share: 0.05, late_max_s: 1800 },
    faults: [
      ...[900, 1500, 2100].map((at_s) => ({ at_s, kind: 'expire_sessions' })),
      { at_s: 2400, kind: 'revoke_token', account: 'fleet', token: 1 },
    ],
    pollIntervalMs: 20_000,
  });
  t.after(good.stop);
  const judged = judge(good);
  assert.ok(judged.late > 0 && judged.repeated > 0 && judged.logins > 3, JSON.stringify(judged));
  judge(spoilt(good, {}));
  for (const [what, [spoiling, message]] of Object.entries(spoilings)) {
    assert.throws(() => judge(spoilt(good, spoiling)), { message }, what);
  }
});
