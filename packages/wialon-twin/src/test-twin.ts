/** A twin for tests: real HTTP, wall time by hand. */
import assert from 'node:assert/strict';
import { readScenario, type Scenario } from './scenario.ts';
import { tokenOf } from './token.ts';
import { startTwin, type Twin, type TwinOptions } from './twin.ts';

/** Data seconds per wall millisecond are so many that any hold is reached by the next tick. */
const SPEED = 1_000_000;

export interface TestTwin {
  readonly twin: Twin;
  /** Moves wall time. */
  passMs(ms: number): void;
  /** Brings the data clock to exactly `elapsedS`; ten seconds of wall time pass, so polls are allowed. */
  runTo(elapsedS: number): void;
  /** Decoded answer of the Remote API. */
  call(svc: string, params?: unknown, sid?: string): Promise<unknown>;
  poll(sid: string): Promise<PollAnswer>;
  /** Logs in and gives the session id. */
  login(account: string, token?: 1 | 2): Promise<string>;
  /** Logs in and subscribes to all units; gives the session id. */
  subscribe(account: string): Promise<string>;
  control(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown>;
}

export interface PollAnswer {
  readonly tm: number;
  readonly events: readonly { readonly i: number; readonly t: string; readonly d: unknown }[];
  readonly error?: number;
  readonly reason?: string;
}

const short = readScenario('short');

/** The short scenario without planned session expiries, for tests of everything else. */
const undisturbed: Scenario = { ...short, trouble: { ...short.trouble, expire_session: [] } };

export const bayUnits = [7001, 7002, 7003];

/** Starts a held twin of the short scenario, its sessions left alone; calls take no wall time. */
export async function startTestTwin(options: Partial<TwinOptions> = {}): Promise<TestTwin> {
  let wallMs = 1_000_000;
  const twin = await startTwin({
    scenario: undisturbed,
    seed: 7,
    speed: SPEED,
    startHeld: true,
    latencyMs: 0,
    nowMs: () => wallMs,
    ...options,
  });
  const post = async (path: string, body: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await fetch(`${twin.url}${path}`, { method: 'POST', headers, body });
    assert.equal(response.status, 200);
    return response.json();
  };
  const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();
  const call: TestTwin['call'] = (svc, params = {}, sid = '') =>
    post('/wialon/ajax.html', form({ svc, params: JSON.stringify(params), sid }));
  const login: TestTwin['login'] = async (account, token = 1) => {
    const answer = await call('token/login', { token: tokenOf(account, token) });
    return (answer as { eid: string }).eid;
  };
  return {
    twin,
    passMs: (ms) => {
      wallMs += ms;
    },
    runTo: (elapsedS) => {
      twin.clock.hold(elapsedS);
      wallMs += 10_000;
    },
    call,
    poll: async (sid) => (await post('/avl_evts', form({ sid }))) as PollAnswer,
    login,
    subscribe: async (account) => {
      const sid = await login(account);
      const spec = [{ type: 'type', data: 'avl_unit', flags: 0x21, mode: 0 }];
      await call('core/update_data_flags', { spec }, sid);
      return sid;
    },
    control: async (method, path, body) => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      return (await fetch(`${twin.url}${path}`, init)).json();
    },
  };
}
