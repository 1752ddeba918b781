import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AccountStore } from './account-store.ts';
import { ControlError } from './faults/fields.ts';
import { TimedFaults, type TimedFault } from './faults/timed-faults.ts';
import { FleetStore } from './fleet/fleet-store.ts';
import { siteOf } from './fleet/route.ts';
import { InjectedStore } from './injected-store.ts';
import type { MessageStore, StoredMessage } from './message-store.ts';
import { CallAudit } from './call-audit.ts';
import { createClock, type DataClock } from './clock.ts';
import {
  callsReport,
  clockReport,
  postFault,
  setClock,
  storeReport,
  tokensReport,
  type CallsReport,
  type ControlPorts,
  type StoreReport,
} from './control-api.ts';
import { FaultScript } from './fault-script.ts';
import { orderFault } from './faults/order-fault.ts';
import { createAccount, type TwinAccount } from './items.ts';
import { documentedLimits, type Limits } from './limits.ts';
import { postPage } from './post-page.ts';
import { readRecording, type Recording } from './recording.ts';
import { RemoteApi, type ApiAnswer } from './remote-api.ts';
import { requestFields, sidOf } from './request-fields.ts';
import { epochSeconds, type Scenario, type ScenarioAccount } from './scenario.ts';
import { Delivery, type Delivered } from './senders/delivery.ts';
import type { IpsTarget } from './senders/ips-sender.ts';
import { Sessions } from './session.ts';
import { planTrouble, type TroublePlan } from './trouble-plan.ts';
import { readZones, type Zone } from './zones.ts';

export interface TwinOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Seconds of data time per second of wall time. */
  readonly speed: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** The recording starts again, shifted by the window, whenever it is over. Default false. */
  readonly loop?: boolean;
  /** The data clock waits at 0 for the control API. Default false. */
  readonly startHeld?: boolean;
  /** Seconds of wall time after which an unused session is gone. Default 300. */
  readonly sessionIdleS?: number;
  /** Wall time that every call takes. Default 3 ms. */
  readonly latencyMs?: number;
  /** Waited for in place of latencyMs: tests hold calls back with it. */
  readonly pause?: () => Promise<void>;
  /** Holds slow answers back. Default: waits as long, or passes as much time on a virtual clock. */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Orders carried out when the data clock comes to them; added to those of the scenario. */
  readonly faults?: readonly TimedFault[];
  /**
   * The clock stands until `advance` or the control API moves it; sessions and limits follow it, and calls
   * take no time. Excludes nowMs. Default false.
   */
  readonly virtual?: boolean;
  /** Receiver of Wialon IPS 2.0 to which every message is sent. Default: none. */
  readonly ips?: IpsTarget;
  /** Default: the provider's documented limits. */
  readonly limits?: Partial<Limits>;
  /** Monotonic wall time in ms. Default performance.now. */
  readonly nowMs?: () => number;
}

/** What a client would see. */
export type Asked = { readonly status: number; readonly body: string } | 'cut';

/** A running twin. */
export interface Twin {
  readonly port: number;
  /** Such as http://127.0.0.1:4711, without a slash at the end. */
  readonly url: string;
  readonly clock: DataClock;
  readonly plan: TroublePlan;
  /** Carries out an order as POST /twin/fault does; throws an Error that says what is wrong. */
  fault(order: Readonly<Record<string, unknown>>): unknown;
  /** Answers a form that is posted to `/wialon/ajax.html` or `/avl_evts`, without a connection: for simulations. */
  ask(path: string, form: string): Promise<Asked>;
  /** Moves a virtual clock by seconds of wall time; throws on a real one. */
  advance(seconds: number): void;
  /** Sends to push addresses and the IPS receiver what is registered by now; resolves when it is through. */
  deliver(): Promise<Delivered>;
  /** Everything that an account has registered by now, in order of registration. */
  messages(account: string): Generator<StoredMessage>;
  /** As GET /twin/store. */
  store(): StoreReport;
  /** As GET /twin/calls. */
  calls(): CallsReport;
  close(): Promise<void>;
}

/** Answers below this size are sent as they are. */
const GZIP_FROM_BYTES = 256;
/** The fastest level: the answers are repetitive, and speed is what load runs need. */
const GZIP_LEVEL = 1;
const FLEET_ZONES = 20;
const SERVER = 'adf_http_server/twin';
const API_PATH = '/wialon/ajax.html';
const POLL_PATH = '/avl_evts';
const POST_PAGE_PATH = '/wialon/post.html';
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

const acceptsGzip = (request: FastifyRequest): boolean =>
  /\bgzip\b/i.test(request.headers['accept-encoding'] ?? '');

const bodyOf = (request: FastifyRequest): string =>
  Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';

/**
 * Sends JSON with exactly `application/json`: a known client decodes nothing else. A buffer, because
 * fastify adds a charset to texts.
 */
function sendJson(request: FastifyRequest, reply: FastifyReply, json: string): FastifyReply {
  const body = Buffer.from(json, 'utf8');
  void reply.header('content-type', 'application/json').header('cache-control', 'no-cache');
  void reply.header('server', SERVER);
  if (body.length < GZIP_FROM_BYTES || !acceptsGzip(request)) return reply.send(body);
  return reply.header('content-encoding', 'gzip').send(gzipSync(body, { level: GZIP_LEVEL }));
}

/** A request as it arrives, whichever way. */
interface Arrived {
  readonly isPoll: boolean;
  /** Path and query, or the query alone. */
  readonly url: string;
  readonly contentType: string | undefined;
  readonly body: string;
  readonly acceptsGzip: boolean;
  readonly address: string;
}

function answerTo(api: RemoteApi, arrived: Arrived): Promise<ApiAnswer> {
  const { isPoll, url, contentType, body, ...from } = arrived;
  const fields = requestFields(url, contentType, body);
  const sid = sidOf(fields);
  if (isPoll) return api.poll({ sid });
  return api.call({
    svc: fields.get('svc') ?? '',
    params: fields.get('params') ?? '',
    sid,
    ...from,
  });
}

const errorPage = (status: number): string => `<html><body><h1>${status}</h1></body></html>`;

function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: ApiAnswer): FastifyReply {
  switch (answer.kind) {
    case 'json':
    case 'truncated':
      return sendJson(request, reply, answer.body);
    case 'cut':
      void reply.hijack();
      request.raw.socket.destroy();
      return reply;
    case 'http':
      return reply
        .code(answer.status)
        .header('content-type', 'text/html')
        .send(Buffer.from(errorPage(answer.status)));
  }
}

function addRemoteApi(server: FastifyInstance, api: RemoteApi): void {
  server.get(POST_PAGE_PATH, (_request, reply) => reply.type('text/html').send(postPage));
  for (const url of [API_PATH, POLL_PATH]) {
    server.route({
      method: ['GET', 'POST'],
      url,
      handler: async (request, reply) => {
        const answer = await answerTo(api, {
          isPoll: url === POLL_PATH,
          url: request.url,
          contentType: request.headers['content-type'],
          body: bodyOf(request),
          acceptsGzip: acceptsGzip(request),
          address: request.ip,
        });
        return sendAnswer(request, reply, answer);
      },
    });
  }
}

/** As over HTTP with gzip accepted, but nothing is packed and no connection is there to be cut. */
async function ask(api: RemoteApi, path: string, form: string): Promise<Asked> {
  const answer = await answerTo(api, {
    isPoll: path === POLL_PATH,
    url: '',
    contentType: undefined,
    body: form,
    acceptsGzip: true,
    address: '127.0.0.1',
  });
  switch (answer.kind) {
    case 'json':
    case 'truncated':
      return { status: 200, body: answer.body };
    case 'cut':
      return 'cut';
    case 'http':
      return { status: answer.status, body: errorPage(answer.status) };
  }
}

function addControlApi(server: FastifyInstance, ports: ControlPorts): void {
  const routes: readonly (readonly ['GET' | 'POST', string, (body: string) => unknown])[] = [
    ['GET', '/twin/clock', () => clockReport(ports)],
    ['POST', '/twin/clock', (body) => setClock(ports, body)],
    ['GET', '/twin/store', () => storeReport(ports)],
    ['GET', '/twin/calls', () => callsReport(ports)],
    ['GET', '/twin/tokens', () => tokensReport(ports)],
    ['POST', '/twin/fault', (body) => postFault(ports, body)],
  ];
  for (const [method, url, answer] of routes) {
    server.route({
      method,
      url,
      handler: async (request, reply) => {
        try {
          return sendJson(request, reply, JSON.stringify(answer(bodyOf(request))));
        } catch (error) {
          if (!(error instanceof ControlError)) throw error;
          return sendJson(request, reply.code(400), JSON.stringify({ error: error.message }));
        }
      },
    });
  }
}

function recordingsOf(scenario: Scenario): Map<string, Recording> {
  const recorded = scenario.accounts.filter(({ fleet }) => fleet === undefined);
  return new Map(
    recorded.map(({ track, folder, shift_s: shift }) => [
      track,
      readRecording(track, folder, shift),
    ]),
  );
}

/** Plans the trouble of a run from the shipped tracks. */
export function planScenario(scenario: Scenario, seed: number): TroublePlan {
  return planTrouble(scenario, recordingsOf(scenario), seed);
}

interface Sources {
  readonly scenario: Scenario;
  readonly recordings: ReadonlyMap<string, Recording>;
  readonly plan: TroublePlan;
  readonly seed: number;
}

function storeOf(account: ScenarioAccount, sources: Sources): MessageStore {
  const { fleet, track } = account;
  if (fleet !== undefined) {
    const base = epochSeconds(account.base_time);
    return new FleetStore({ account, base, fleet, seed: sources.seed });
  }
  const recording = sources.recordings.get(track);
  if (recording === undefined) throw new Error(`no recording for track ${track}`);
  return new AccountStore(sources.scenario, account, recording, sources.plan);
}

/** A zone for each of the first vehicles of a made-up fleet, or those of the recording. */
function zonesOf({ fleet, zones, folder }: ScenarioAccount): Zone[] {
  if (fleet === undefined) return readZones(zones, folder);
  return Array.from({ length: Math.min(fleet.units, FLEET_ZONES) }, (_, index) => ({
    id: index + 1,
    name: `Site ${index + 1}`,
    points: siteOf(index),
  }));
}

function accountsOf(sources: Sources): TwinAccount[] {
  return sources.scenario.accounts.map((account) =>
    createAccount(new InjectedStore(storeOf(account, sources)), zonesOf(account), {
      isFull: account.equipment === 'full' || account.fleet !== undefined,
      pushUrl: account.push_url,
    }),
  );
}

/** Wall time, and how to move it when it is virtual. */
function wallClock(options: TwinOptions): Pick<ControlPorts, 'advance'> & { nowMs: () => number } {
  if (options.virtual !== true) {
    return { nowMs: options.nowMs ?? ((): number => performance.now()), advance: undefined };
  }
  let now = 0;
  return {
    nowMs: () => now,
    advance: (seconds) => {
      if (!(seconds >= 0)) throw new ControlError(`advance_s must be 0 or above, found ${seconds}`);
      now += seconds * 1000;
    },
  };
}

const randomSid = (): string => randomBytes(16).toString('hex');

/** Sids of a run that is to be the same again; a sid of one run would be good in the next. */
function numberedSids(seed: number): () => string {
  let opened = 0;
  return () => createHash('md5').update(`${seed} ${opened++}`).digest('hex');
}

function portsOf(
  options: TwinOptions,
  { nowMs, advance }: ReturnType<typeof wallClock>,
): ControlPorts & { plan: TroublePlan } {
  const { scenario, seed, speed } = options;
  const recordings = recordingsOf(scenario);
  const plan = planTrouble(scenario, recordings, seed);
  const accounts = accountsOf({ scenario, recordings, plan, seed });
  const audit = new CallAudit(scenario.accounts.map(({ account }) => account));
  const endS = options.loop === true ? Number.POSITIVE_INFINITY : scenario.duration_s;
  const acting = {
    accounts,
    faults: new FaultScript(
      plan.operations.flatMap((operation) =>
        operation.op === 'expire_session' ? [operation] : [],
      ),
    ),
    clock: createClock({ speed, endS, startHeld: options.startHeld === true, nowMs }),
    sessions: new Sessions({
      idleS: options.sessionIdleS ?? 300,
      nowMs,
      newSid: options.virtual === true ? numberedSids(seed) : randomSid,
      onEnd: ({ store }, how) => audit.ended(store.account.account, how),
    }),
  };
  const script = [...(scenario.faults ?? []), ...(options.faults ?? [])];
  return { ...acting, plan, audit, advance, timed: new TimedFaults(acting, script) };
}

function* registeredBy(
  accounts: readonly TwinAccount[],
  name: string,
  elapsedS: number,
): Generator<StoredMessage> {
  const account = accounts.find(({ store }) => store.account.account === name);
  if (account === undefined) throw new ControlError(`unknown account ${name}`);
  const { store } = account;
  const limit = store.registered(store.base + elapsedS);
  for (let g = 0; g < limit; g++) yield store.message(g);
}

const DELIVERY_MS = 500;

/** Sends what is registered twice a second; the result ends it. */
function deliverAlways(delivery: Delivery, timed: TimedFaults): () => void {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    timed.run();
    void delivery.run().finally(() => {
      isBusy = false;
    });
  }, DELIVERY_MS);
  return () => {
    clearInterval(timer);
    delivery.close();
  };
}

/** Starts a twin; rejects when the port is taken or a fault is ordered that cannot be. The data clock starts to run here. */
export async function startTwin(options: TwinOptions): Promise<Twin> {
  const wall = wallClock(options);
  const ports = portsOf(options, wall);
  const { clock, plan, advance, timed } = ports;
  const sleep =
    options.sleep ?? (advance === undefined ? wait : async (ms: number) => advance(ms / 1000));
  const elapsedS = (): number => clock.wholeSecond();
  const { accounts } = ports;
  const delivery = new Delivery({ accounts, ips: options.ips, elapsedS, sleep });
  const latencyMs = options.latencyMs ?? (advance === undefined ? 3 : 0);
  const api = new RemoteApi({
    ...ports,
    limits: { ...documentedLimits, ...options.limits },
    pause: options.pause ?? ((): Promise<void> => (latencyMs === 0 ? turn() : wait(latencyMs))),
    sleep,
    runFaults: () => timed.run(),
    nowMs: wall.nowMs,
    elapsedS,
  });
  const server = Fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  addRemoteApi(server, api);
  addControlApi(server, ports);
  const host = options.host ?? '127.0.0.1';
  const url = await server.listen({ host, port: options.port ?? 0 });
  const stopDelivery = delivery.isActive ? deliverAlways(delivery, timed) : (): void => undefined;
  return {
    port: Number(new URL(url).port),
    url,
    clock,
    plan,
    fault: (order) => orderFault(ports, order),
    ask: (path, form) => ask(api, path, form),
    advance: (seconds) => {
      if (advance === undefined) throw new ControlError('the clock is not virtual');
      advance(seconds);
    },
    messages: (name) => registeredBy(accounts, name, elapsedS()),
    store: () => storeReport(ports),
    calls: () => callsReport(ports),
    deliver: async () => {
      timed.run();
      await delivery.run();
      return delivery.report();
    },
    close: async () => {
      stopDelivery();
      await server.close();
    },
  };
}
