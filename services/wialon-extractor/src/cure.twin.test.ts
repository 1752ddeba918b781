import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionChanged } from '@waybill/contracts';
import { madeUpFleets, startTwin, tokenOf } from '@waybill/wialon-twin';
import { cureFor, cures, type CureRow } from './core/cure.ts';
import { createLoginGate } from './login-gate.ts';
import { testAccount } from './testing/account.ts';
import { committed, createClock, createOwner, createPorts, untilTurn } from './testing/owner.ts';
import { startWorker } from './worker.ts';

const BASE = Date.parse('2026-01-05T00:00:00Z');

interface Calls {
  readonly calls: Readonly<
    Record<string, { readonly total: number; readonly errors: Record<string, number> }>
  >;
}

/** A service of the row's pattern that the extractor calls. */
function serviceOf({ service }: CureRow): string {
  if (service === '*') return 'messages/load_interval';
  if (service === 'core/*') return 'core/search_items';
  return service === 'resource/*' ? 'resource/get_zone_data' : service;
}

/** The sub-reasons of 1003 that a row names, and one that no row does. */
function reasonsOf({ reason }: CureRow): readonly string[] {
  return reason === undefined ? ['limit exceeded'] : reason.source.split('|');
}

/** Codes of the row; of one for any code those that no other row knows. */
function codesOf({ service, codes }: CureRow): readonly number[] {
  if (codes.length > 0) return codes;
  if (service === 'messages/unload') return [4];
  return service === 'avl_evts' ? [6, 424_242] : [3, 15, 424_242];
}

/** Rows that the table repeats for any service, and whose first service has a row of its own. */
const calledInstead: Readonly<Record<string, readonly string[]>> = {
  '* 1002': ['avl_evts', 'core/search_items'],
  '* 1003 limit exceeded': ['core/update_data_flags', 'avl_evts'],
  '* 1': ['messages/load_interval', 'avl_evts'],
  '* 1011': ['messages/load_interval', 'avl_evts'],
};

/** What the provider must see, as calls beyond those of an account to which nothing happens. */
interface Seen {
  /** Further logins. */
  readonly logins: number;
  /** Further calls of the service itself; undefined = depends on what is read again. */
  readonly calls?: number;
}

const seenByCure: Readonly<Record<CureRow['cure'], (row: CureRow) => Seen>> = {
  retry: ({ service }) => (service === 'token/login' ? { logins: 1 } : { logins: 0, calls: 1 }),
  login: () => ({ logins: 1 }),
  next_token: () => ({ logins: 1 }),
  narrow: () => ({ logins: 0 }),
  reload: () => ({ logins: 0, calls: 1 }),
  reread: () => ({ logins: 0 }),
  empty: () => ({ logins: 0, calls: 0 }),
  skip: () => ({ logins: 0, calls: 0 }),
  // The account begins anew after the wait: live session and reader.
  stop: () => ({ logins: 1 }),
};

interface Case {
  readonly row: CureRow;
  readonly service: string;
  readonly code: number;
  readonly reason: string | undefined;
}

/** Every code of every row, each sub-reason of 1003, and codes that nobody knows. */
const cases = cures
  // The twin's fault script knows the entries of a batch; the batch itself is refused in upkeep.test.ts.
  .filter(({ service }) => service !== 'core/batch')
  .flatMap((row) =>
    codesOf(row).flatMap((code) =>
      (code === 1003 ? reasonsOf(row) : [undefined]).flatMap((reason): Case[] => {
        const name = [row.service, code, ...(reason === undefined ? [] : [reason])].join(' ');
        const services = calledInstead[name] ?? [serviceOf(row)];
        return services.map((service) => ({ row, service, code, reason }));
      }),
    ),
  );

for (const { row, service, code, reason } of cases) {
  const why = reason === undefined ? '' : ` (${reason})`;
  test(`${service} ${code}${why}: ${row.cure}, scope ${row.scope}, wait ${row.wait}, audit ${row.audit}`, async (t) => {
    assert.equal(cureFor(service, code, reason), row);
    const clock = createClock(BASE + 600_000);
    const twin = await startTwin({
      scenario: madeUpFleets({
        accounts: ['acme'],
        fleet: { units: 2, every_s: 30, history_s: 600 },
        baseTime: new Date(BASE).toISOString(),
        durationS: 7 * 86_400,
      }),
      seed: 7,
      speed: 1,
      latencyMs: 0,
      nowMs: () => clock.now() - BASE,
    });
    const owner = createOwner();
    const { ports } = createPorts(clock, async (reference) =>
      tokenOf('acme', reference.endsWith('2') ? 2 : 1),
    );
    const fault = {
      kind: 'error',
      svc: service,
      code,
      ...(reason !== undefined && { reason }),
      // A poll is refused once the account is live.
      after: service === 'avl_evts' ? 3 : 0,
    };
    const post = (body: unknown): Promise<Response> =>
      fetch(`${twin.url}/twin/fault`, { method: 'POST', body: JSON.stringify(body) });
    const seen = async (): Promise<Calls['calls']> =>
      ((await (await fetch(`${twin.url}/twin/calls`)).json()) as Calls).calls;
    const account = testAccount({
      url: twin.url,
      account: 'acme',
      tokens: ['secret://files/a#1', 'secret://files/a#2'],
      readFromTime: BASE - 600_000,
      wants: { messages: true, sensors: false, zones: true, drivers: false },
    });
    assert.equal((await post(fault)).status, 200);
    const worker = startWorker(account, owner, ports, createLoginGate(clock));
    t.after(async () => {
      await worker.stop();
      await twin.close();
    });
    const live = (): boolean => worker.health().state === 'live';
    await untilTurn('the account live', live);
    await untilTurn('the poll that met it', () => clock.now() - BASE > 620_000 && live());
    const calls = await seen();
    const of = calls[service];
    assert.equal(of?.errors[code], 1, 'the provider refused exactly one call');
    const logins = (calls['token/login']?.total ?? 0) - (of === calls['token/login'] ? 1 : 0);
    const expected = seenByCure[row.cure](row);
    assert.ok(logins >= 2 && logins <= 3 + expected.logins, `${logins} logins: no storm`);
    const isNewSession = row.cure === 'login' || row.cure === 'stop';
    if (isNewSession) assert.ok(logins >= 3, `${logins} logins: a new session`);
    const audit = committed<SessionChanged>(owner.log, 'SessionChanged').filter(
      ({ error_code }) => error_code === code,
    );
    assert.deepEqual(
      audit.map(({ kind }) => kind),
      row.audit === 'none' ? [] : [row.audit],
    );
    const waited = (atLeast: number): boolean => clock.waits.some((ms) => ms >= atLeast);
    if (row.wait === 'refusal' && row.cure === 'stop') assert.ok(waited(60_000), 'waits a minute');
    if (row.cure === 'retry' && service === 'messages/load_interval') {
      // Two units, each loaded once, and the one that was refused once more.
      assert.equal(of?.total, 3);
    }
    if (row.cure === 'retry' && service === 'avl_evts') {
      assert.equal(calls['messages/load_interval']?.total, 2, 'nothing is read again');
    }
    if (row.cure === 'empty' && service === 'messages/unload') assert.equal(of?.total, 2);
    if (row.cure === 'narrow' && service === 'messages/load_interval') {
      assert.equal(of?.total, 4, 'refused, both halves, and the other unit');
    }
    if (row.cure === 'reload') assert.equal(calls['messages/load_interval']?.total, 3);
    if (row.cure === 'reread') assert.ok((calls['messages/load_interval']?.total ?? 0) >= 3);
    if (row.cure === 'skip' && service === 'messages/load_interval') assert.equal(of?.total, 2);
    if (row.cure === 'next_token') {
      const again = committed<SessionChanged>(owner.log, 'SessionChanged').find(
        ({ kind }) => kind === 'LOGIN',
      );
      assert.match(again?.reason ?? '', /token 2/);
    }
  });
}
