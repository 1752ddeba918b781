// The provider's own library for browsers (wialonjs-api of npm), unchanged, against the twin.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { madeUpFleets } from './made-up.ts';
import { tokenOf } from './token.ts';
import { startTwin } from './twin.ts';

/** Answers as they come: the assertions below are what checks their shape. */
type Json = ReturnType<typeof JSON.parse>;
type Listener = (event: object) => unknown;

interface Library {
  session(url: string, options: object): VendorSession;
}
interface VendorSession {
  execute(svc: string, params: unknown, callback?: (answer: Json) => void): void;
  getEvents(): void;
  getItems(type: string): Json[];
  getItem(id: number): Json;
  getSid(): string | null;
  on(name: string, listener: (event: Json) => void): void;
}

const UNIT = 100_001;
const twin = await startTwin({
  scenario: madeUpFleets({
    accounts: ['fleet'],
    fleet: { units: 3, every_s: 60, history_s: 3600 },
    baseTime: '2025-01-06T00:00:00.000Z',
    durationS: 3600,
  }),
  seed: 7,
  speed: 1,
  virtual: true,
});
after(() => twin.close());

/** What a browser gives a page: a window whose messages reach its listeners later, and asks relative to its page. */
function createWindow(page: string): { scope: object; receive: Listener } {
  const listeners: Listener[] = [];
  return {
    receive: (event) => setImmediate(() => listeners.forEach((listener) => listener(event))),
    scope: createContext({
      addEventListener: (_type: string, listener: Listener) => listeners.push(listener),
      removeEventListener: () => undefined,
      fetch: (url: string, init: object) => fetch(new URL(url, page), init),
      clearTimeout: () => undefined,
    }),
  };
}

/** Loads the library as a page of somebody's does, with frames that load their pages from the twin. */
function load(): Library {
  const origin = 'http://application.test';
  const own = createWindow(`${origin}/`);
  const open = (frame: Record<string, Json>): void => {
    const source = { postMessage: (data: string) => own.receive({ data }) };
    const inner = createWindow(frame['src']);
    const postMessage = (data: string): unknown => inner.receive({ data, source, origin });
    frame['contentWindow'] = { postMessage };
    void fetch(frame['src']).then(async (response) => {
      assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
      const [, script = ''] = /<script>(.*)<\/script>/s.exec(await response.text()) ?? [];
      runInContext(script, inner.scope);
      frame['onload']();
    });
  };
  const frameOf = (): Record<string, Json> => {
    const frame: Record<string, Json> = { style: {} };
    frame['setAttribute'] = (name: string, value: string) => (frame[name] = value);
    return frame;
  };
  const body = { appendChild: open, removeChild: () => undefined };
  Object.assign(own.scope, { window: own.scope, document: { createElement: frameOf, body } });
  runInContext(readFileSync(fileURLToPath(import.meta.resolve('wialonjs-api')), 'utf8'), own.scope);
  return (own.scope as { W: Library }).W;
}

test('the library of the provider logs in, reads, subscribes, hears of positions and logs out', async () => {
  const session = load().session(twin.url, { eventsTimeout: 0 });
  const ask = (svc: string, params: object): Promise<Json> =>
    new Promise((resolve) => {
      session.execute(svc, params, resolve);
    });
  // These calls take their parameters as they are; all others in `params`.
  const login = await ask('token/login', { token: tokenOf('fleet') });
  assert.equal(session.getSid(), login.eid);
  const flags = 0x1 + 0x20 + 0x400;
  const spec = [{ type: 'type', data: 'avl_unit', flags, mode: 0 }];
  await ask('core/update_data_flags', { spec });
  const units = Array.from(session.getItems('avl_unit'), ({ id }) => id as number);
  assert.deepEqual(units, [UNIT, UNIT + 1, UNIT + 2]);
  const before = session.getItem(UNIT).lmsg.t;
  const moved: number[] = [];
  session.on('positionChanged', ({ i }) => moved.push(i));
  const updated = new Promise((resolve) => {
    session.on('sessionUpdated', resolve);
  });
  twin.advance(70);
  session.getEvents();
  await updated;
  assert.deepEqual(new Set(moved), new Set(units));
  assert.ok(session.getItem(UNIT).lmsg.t > before);
  const all = { itemId: UNIT, timeFrom: 0, timeTo: 0xffff_ffff, flags: 0, flagsMask: 0 };
  const interval = { params: { ...all, loadCount: 5 } };
  const { count, messages } = await ask('messages/load_interval', interval);
  assert.ok(count >= 60 && messages.length === 5);
  assert.equal((await ask('core/nonsense', {})).error, 2);
  twin.fault({ kind: 'html', svc: 'messages/get_messages' });
  assert.equal(await ask('messages/get_messages', { params: {} }), undefined, 'no answer in JSON');
  await new Promise((resolve) => {
    session.execute('core/logout', resolve);
  });
  assert.equal(session.getSid(), null);
  assert.equal(twin.calls().accounts[0]?.ended.logout, 1);
});
