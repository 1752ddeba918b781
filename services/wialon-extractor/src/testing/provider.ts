/** A tiny scripted provider for tests: real HTTP, one account, sessions, loader and feed as documented. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call as the provider saw it. */
export interface SeenCall {
  readonly service: string;
  readonly parameters: Record<string, unknown>;
  readonly sid: string;
}

/** What stands in place of the honest answer; `cut` drops the connection after the call took effect. */
export type Instead =
  | { readonly error: number; readonly reason?: string }
  | { readonly status: number; readonly text?: string; readonly isCutOff?: true }
  | 'cut'
  | undefined;

interface Stored {
  readonly unit: number;
  readonly t: number;
  readonly message: unknown;
}

interface ProviderSession {
  readonly units: Map<number, number>;
  cursor: number;
  loader: readonly unknown[] | undefined;
}

/** The provider's side of a test. */
export interface TestProvider {
  readonly url: string;
  readonly calls: SeenCall[];
  /** Units that the account sees. */
  readonly units: Set<number>;
  readonly tokens: Set<string>;
  /** Asked before each call takes effect; an answer replaces the honest one. */
  intercept: (call: SeenCall, numberOfService: number) => Instead;
  /** `indexTo` as the other reading of the documentation has it. */
  exclusiveIndexTo: boolean;
  readonly register: (unit: number, message: { readonly t: number }) => void;
  /** Puts a service event into the next poll. */
  readonly announce: (event: unknown) => void;
  readonly expireSessions: () => void;
  /** Session ids given out so far. */
  readonly sids: readonly string[];
  readonly close: () => Promise<void>;
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

/** Starts a provider whose clock is `nowS`. */
export async function startProvider(nowS: () => number): Promise<TestProvider> {
  const stored: Stored[] = [];
  const announced: unknown[] = [];
  const sessions = new Map<string, ProviderSession>();
  const counts = new Map<string, number>();
  const sids: string[] = [];

  function search(parameters: Record<string, unknown>): unknown {
    const { itemsType } = parameters['spec'] as { itemsType: string };
    const ids = itemsType === 'avl_unit' ? [...provider.units] : [600];
    const [from, to] = [Number(parameters['from']), Number(parameters['to'])];
    const items = ids.map((id) => ({
      nm: `item ${id}`,
      cls: itemsType === 'avl_unit' ? 2 : 3,
      id,
    }));
    return { totalItemsCount: items.length, items: items.slice(from, to + 1) };
  }

  function subscribe(session: ProviderSession, parameters: Record<string, unknown>): unknown {
    for (const spec of parameters['spec'] as { type: string; data: unknown }[]) {
      const ids =
        spec.type === 'type'
          ? [...provider.units]
          : spec.type === 'col'
            ? (spec.data as number[])
            : [];
      for (const id of ids) {
        if (!session.units.has(id)) session.units.set(id, stored.length);
      }
    }
    return [];
  }

  function answer(call: SeenCall, session: ProviderSession, gzip: boolean): unknown {
    const { parameters } = call;
    switch (call.service) {
      case 'core/search_items':
        return search(parameters);
      case 'core/update_data_flags':
        return subscribe(session, parameters);
      case 'core/logout':
        sessions.delete(call.sid);
        return { error: 0 };
      case 'core/search_item': {
        const id = Number(parameters['id']);
        return provider.units.has(id) ? { item: { id }, flags: 1 } : { error: 7 };
      }
      case 'core/batch':
        return (parameters['params'] as { svc: string; params: Record<string, unknown> }[]).map(
          ({ svc, params }) =>
            answer({ service: svc, parameters: params, sid: call.sid }, session, gzip),
        );
      case 'resource/get_driver_bindings':
        return { 1: [{ t: 1_760_000_000, u: 7001 }] };
      case 'resource/get_zone_data':
        return [{ n: 'yard', id: 1, rid: 600, t: 3, w: 5, p: [{ x: 21, y: 52, r: 5 }] }];
      case 'messages/load_interval': {
        if (!gzip) return { error: 1003, reason: 'Accept-Encoding is not gzip' };
        const unit = parameters['itemId'];
        const [from, to] = [Number(parameters['timeFrom']), Number(parameters['timeTo'])];
        session.loader = stored
          .filter((entry) => entry.unit === unit && entry.t >= from && entry.t <= to)
          .sort((a, b) => a.t - b.t)
          .map(({ message }) => message);
        return { count: session.loader.length, messages: [] };
      }
      case 'messages/get_messages': {
        if (session.loader === undefined) return { error: 4 };
        const [from, to] = [Number(parameters['indexFrom']), Number(parameters['indexTo'])];
        return session.loader.slice(from, provider.exclusiveIndexTo ? to : to + 1);
      }
      case 'messages/unload': {
        const wasLoaded = session.loader !== undefined;
        session.loader = undefined;
        return wasLoaded ? {} : { error: 4 };
      }
      case 'avl_evts': {
        const events = stored
          .map((entry, index) => ({ ...entry, index }))
          .filter(
            ({ unit, index }) =>
              index >= Math.max(session.cursor, session.units.get(unit) ?? Infinity),
          )
          .map(({ unit, message }) => ({ i: unit, t: 'm', d: message }));
        session.cursor = stored.length;
        return { tm: nowS(), events: [...events, ...announced.splice(0)] };
      }
      default:
        return { error: 2 };
    }
  }

  function login(parameters: Record<string, unknown>): unknown {
    if (!provider.tokens.has(String(parameters['token']))) return { error: 8 };
    const sid = `sid-${sids.length}-${'f'.repeat(24)}`;
    sids.push(sid);
    sessions.set(sid, { units: new Map(), cursor: stored.length, loader: undefined });
    return { eid: sid, tm: nowS(), user: { id: 1 } };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = await formOf(request);
    const isPoll = request.url === '/avl_evts';
    const service = isPoll ? 'avl_evts' : (form.get('svc') ?? '');
    const parameters = JSON.parse(form.get('params') ?? '{}') as Record<string, unknown>;
    const call = { service, parameters, sid: form.get('sid') ?? '' };
    const count = (counts.get(service) ?? 0) + 1;
    counts.set(service, count);
    provider.calls.push(call);
    const instead = provider.intercept(call, count);
    if (instead !== undefined && instead !== 'cut') {
      if ('error' in instead) return json(response, instead);
      const text = instead.text ?? '<html></html>';
      const head = { 'content-type': 'text/html', 'content-length': Buffer.byteLength(text) };
      response.writeHead(instead.status, head);
      if (instead.isCutOff === undefined) response.end(text);
      // Half of it, then the end of the connection.
      else response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
      return;
    }
    const session = sessions.get(call.sid);
    const gzip = /gzip/.test(String(request.headers['accept-encoding']));
    const value =
      service === 'token/login'
        ? login(parameters)
        : session === undefined
          ? { error: 1 }
          : answer(call, session, gzip);
    if (instead === 'cut') request.socket.destroy();
    else json(response, value);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const provider: TestProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    units: new Set(),
    tokens: new Set(),
    intercept: () => undefined,
    exclusiveIndexTo: false,
    register: (unit, message) => {
      stored.push({ unit, t: message.t, message });
    },
    announce: (event) => announced.push(event),
    expireSessions: () => sessions.clear(),
    sids,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return provider;
}
