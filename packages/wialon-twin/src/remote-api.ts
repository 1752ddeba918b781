import type { CallAudit } from './call-audit.ts';
import { coreServices, pollEvents } from './core-services.ts';
import { BATCH, type FaultScript } from './fault-script.ts';
import type { TwinAccount } from './items.ts';
import { admitCall, admitHeavy, admitPoll, LoginGuard, type Limits } from './limits.ts';
import { authenticate, credentialsOf, loginAnswer, type Credential } from './login.ts';
import { messageServices } from './message-services.ts';
import { ApiError, errorCode, integer, object, text, type Params } from './params.ts';
import { Quotas } from './quotas.ts';
import { resourceServices } from './resource-services.ts';
import type { Service, Services } from './service.ts';
import { eventServices } from './services/events.ts';
import { reportServices } from './services/reports.ts';
import { unitServices } from './services/units.ts';
import type { Session, Sessions } from './session.ts';

/** A request to the Remote API, fields collected from query and body. */
export interface ApiRequest {
  readonly svc: string;
  /** JSON text; empty = no parameters. */
  readonly params: string;
  /** Empty = none. */
  readonly sid: string;
  readonly acceptsGzip: boolean;
  readonly address: string;
}

/** An answer, or the transport failure that the fault script puts in its place. */
export type ApiAnswer =
  | { readonly kind: 'json'; readonly body: string }
  /** An HTML page. */
  | { readonly kind: 'http'; readonly status: number }
  | { readonly kind: 'cut' }
  /** The answer ends in the middle, the connection does not. */
  | { readonly kind: 'truncated'; readonly body: string };

export interface RemoteApiOptions {
  readonly accounts: readonly TwinAccount[];
  readonly sessions: Sessions;
  readonly faults: FaultScript;
  readonly audit: CallAudit;
  readonly limits: Limits;
  /** What every call waits for while it holds its places, so that calls overlap and run into limits. */
  readonly pause: () => Promise<void>;
  /** Holds a slow answer back. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Carries out the orders of the fault script that are due. */
  readonly runFaults: () => void;
  /** Monotonic wall time, ms. */
  readonly nowMs: () => number;
  /** Whole elapsed seconds of the data clock. */
  readonly elapsedS: () => number;
}

const services: Services = {
  ...coreServices,
  ...messageServices,
  ...resourceServices,
  ...unitServices,
  ...eventServices,
  ...reportServices,
};
const POLL = 'avl_evts';
const LOGOUT = 'core/logout';
const DUPLICATE = 'core/duplicate';
const LOGIN = 'token/login';
const MAX_BATCH = 1000;
/** Everything that is answered. */
export const serviceNames: readonly string[] = [
  ...Object.keys(services),
  POLL,
  BATCH,
  LOGOUT,
  LOGIN,
  DUPLICATE,
];
const known = new Set(serviceNames);

function parse(json: string): unknown {
  if (json === '') return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    throw new ApiError(errorCode.invalidInput);
  }
}

/** Raised where the fault script replaces the answer by a transport failure. */
class TransportFault extends Error {
  readonly instead: Exclude<ApiAnswer, { kind: 'json' }>;
  constructor(instead: Exclude<ApiAnswer, { kind: 'json' }>) {
    super(instead.kind);
    this.instead = instead;
  }
}

/**
 * The dispatcher: session, scripted faults, limits, then the service. A call pauses while it holds its
 * places and runs in one synchronous step after that.
 */
export class RemoteApi {
  readonly #options: RemoteApiOptions;
  readonly #credentials: ReadonlyMap<string, Credential>;
  readonly #logins: LoginGuard;
  readonly #quotas: Quotas;
  readonly #accounts: ReadonlyMap<unknown, TwinAccount>;

  constructor(options: RemoteApiOptions) {
    this.#options = options;
    this.#credentials = credentialsOf(options.accounts);
    this.#logins = new LoginGuard(options.limits);
    this.#quotas = new Quotas(options.limits);
    this.#accounts = new Map(options.accounts.map((account) => [account.store, account]));
  }

  /** Answers one request to /wialon/ajax.html. */
  call(request: ApiRequest): Promise<ApiAnswer> {
    return this.#answer(request.svc, async () => {
      if (request.svc === LOGIN) return this.#login(request);
      const session = this.#session(request.sid);
      const release = admitCall(session, this.#options.limits);
      try {
        const params = parse(request.params);
        if (request.svc === BATCH) {
          return await this.#withFaults(BATCH, session, () =>
            this.#batch(session, params, request),
          );
        }
        return await this.#run(session, request.svc, params, request);
      } finally {
        release();
      }
    });
  }

  /** Answers one request to /avl_evts. */
  poll(request: Pick<ApiRequest, 'sid'>): Promise<ApiAnswer> {
    return this.#answer(POLL, async () => {
      const session = this.#session(request.sid);
      this.#meetScript(POLL, session);
      admitPoll(session, this.#options.limits, this.#options.nowMs());
      const release = admitCall(session, this.#options.limits);
      try {
        return await this.#withFaults(POLL, session, async () => {
          await this.#options.pause();
          this.#assertLive(session);
          return pollEvents({ session, account: this.#account(session), now: this.#now(session) });
        });
      } finally {
        release();
      }
    });
  }

  async #answer(svc: string, work: () => Promise<string>): Promise<ApiAnswer> {
    const { audit } = this.#options;
    // Names that clients make up are one counter: the report must not grow with them.
    const name = known.has(svc) ? svc : '(unknown)';
    this.#options.runFaults();
    try {
      const body = await work();
      audit.called(name, 0);
      return { kind: 'json', body };
    } catch (error) {
      if (error instanceof TransportFault) {
        audit.called(name, 0);
        return error.instead;
      }
      // Anything else is a bug of the twin: the caller sees a transport failure, not a Wialon answer.
      if (!(error instanceof ApiError)) throw error;
      audit.called(name, error.code);
      return { kind: 'json', body: error.body() };
    }
  }

  #now(session: Session): number {
    return session.store.base + this.#options.elapsedS();
  }

  #session(sid: string): Session {
    const session = this.#options.sessions.touch(sid);
    if (session !== undefined) return session;
    const moved = this.#options.sessions.hasMoved(sid);
    throw new ApiError(moved ? errorCode.addressChanged : errorCode.invalidSession);
  }

  #assertLive(session: Session): void {
    if (this.#options.sessions.isLive(session)) return;
    const moved = this.#options.sessions.hasMoved(session.sid);
    throw new ApiError(moved ? errorCode.addressChanged : errorCode.invalidSession);
  }

  #account(session: Session): TwinAccount {
    const account = this.#accounts.get(session.store);
    if (account === undefined) throw new ApiError(errorCode.invalidSession);
    return account;
  }

  /** The planned expiry: the session is gone when this call arrives. */
  #meetScript(svc: string, session: Session): void {
    if (this.#options.faults.expires(svc, session.store.account.account)) {
      this.#options.sessions.end(session, 'script');
    }
    this.#assertLive(session);
  }

  /** Runs `work` unless a fault is ordered for the service; some faults touch the answer only. */
  async #withFaults(
    svc: string,
    session: Session | undefined,
    work: () => Promise<string>,
  ): Promise<string> {
    const fault = this.#options.faults.next(svc, session?.store.account.account);
    if (fault === undefined) return work();
    switch (fault.kind) {
      case 'error':
        throw new ApiError(fault.code, fault.reason);
      case 'http':
        throw new TransportFault(fault);
      case 'html':
        throw new TransportFault({ kind: 'http', status: 200 });
      case 'cut':
        await work();
        throw new TransportFault(fault);
      case 'truncate': {
        const body = await work();
        throw new TransportFault({ kind: 'truncated', body: body.slice(0, body.length >> 1) });
      }
      case 'slow': {
        const body = await work();
        await this.#options.sleep(fault.ms);
        return body;
      }
      case 'expire':
      case 'ip_changed': {
        const how = fault.kind === 'expire' ? 'fault' : 'address';
        if (session === undefined) return work();
        this.#options.sessions.end(session, how);
        this.#assertLive(session);
        return work();
      }
    }
  }

  async #run(
    session: Session,
    svc: string,
    rawParams: unknown,
    request: ApiRequest,
  ): Promise<string> {
    const params = object(rawParams);
    this.#meetScript(svc, session);
    return this.#withFaults(svc, session, async () => {
      if (svc === LOGOUT) return this.#logout(session);
      if (svc === DUPLICATE) return this.#duplicate(session, params, request);
      const service = Object.hasOwn(services, svc) ? services[svc] : undefined;
      if (service === undefined) throw new ApiError(errorCode.invalidService);
      return this.#runService(session, service, params, request);
    });
  }

  async #runService(
    session: Session,
    service: Service,
    params: Params,
    { acceptsGzip }: ApiRequest,
  ): Promise<string> {
    if (service.needsGzip === true && !acceptsGzip) {
      throw new ApiError(errorCode.limit, 'Accept-Encoding is not gzip');
    }
    const release =
      service.heavy === true
        ? admitHeavy(session, this.#options.limits, service.sharesLoader === true)
        : undefined;
    try {
      await this.#options.pause();
      this.#assertLive(session);
      const account = this.#account(session);
      return service.run({
        session,
        account,
        params,
        now: this.#now(session),
        spend: (what, amount) =>
          this.#quotas.spend(account.store.account.account, what, amount, this.#options.nowMs()),
        held: () => this.#held(session),
      });
    } finally {
      release?.();
    }
  }

  #held(session: Session): { others: number; limit: number } {
    const live = this.#options.sessions.live(session.store.account.account);
    const others = live.reduce(
      (sum, one) => (one === session ? sum : sum + (one.loader?.numbers.length ?? 0)),
      0,
    );
    return { others, limit: this.#options.limits.messagesHeld };
  }

  #logout(session: Session): string {
    this.#options.sessions.end(session, 'logout');
    return '{"error":0}';
  }

  /** A second session of the same user; `restore` gives the data of this one, the old one goes unless it is to stay. */
  #duplicate(session: Session, params: Params, { address }: ApiRequest): string {
    const account = this.#account(session);
    const credential = { account, token: session.token };
    const operateAs = text(params, 'operateAs');
    if (operateAs !== '' && operateAs !== account.store.account.account) {
      throw new ApiError(errorCode.badCredentials);
    }
    if (integer(params, 'restore') === 1) {
      return loginAnswer(credential, session.sid, this.#now(session), address);
    }
    const answer = this.#open(credential, address);
    if (params['continueCurrentSession'] !== true) this.#options.sessions.end(session, 'logout');
    return answer;
  }

  #open(credential: Credential, address: string): string {
    const { limits, sessions, audit, elapsedS } = this.#options;
    const { account, token } = credential;
    const { store } = account;
    const name = store.account.account;
    if (sessions.live(name).length >= limits.sessions) {
      throw new ApiError(errorCode.limit, 'LIMIT sessions');
    }
    const now = store.base + elapsedS();
    const from = { cursor: store.registered(now), changesSeen: account.changes.length, token };
    const session = sessions.open(store, from);
    audit.loggedIn(name, token);
    return loginAnswer(credential, session.sid, now, address);
  }

  async #login(request: ApiRequest): Promise<string> {
    const { nowMs, pause } = this.#options;
    this.#logins.admit(request.address, nowMs());
    return this.#withFaults(LOGIN, undefined, async () => {
      await pause();
      return this.#open(this.#authenticate(request), request.address);
    });
  }

  /** Checks the token and counts the attempt against the address. */
  #authenticate({ params, address }: ApiRequest): Credential {
    const now = this.#options.nowMs();
    try {
      const credential = authenticate(this.#credentials, object(parse(params)));
      this.#logins.record(address, now, true);
      return credential;
    } catch (error) {
      this.#logins.record(address, now, false);
      throw error;
    }
  }

  /** Both forms of core/batch; entries run in order, flags 1 stops at the first failure. */
  async #batch(session: Session, params: unknown, request: ApiRequest): Promise<string> {
    const list: unknown = Array.isArray(params) ? params : object(params)['params'];
    const stops = !Array.isArray(params) && integer(object(params), 'flags') === 1;
    if (!Array.isArray(list) || list.length > MAX_BATCH) {
      throw new ApiError(errorCode.invalidInput);
    }
    const answers: string[] = [];
    let failed = false;
    for (const element of list as readonly unknown[]) {
      if (failed && stops) {
        answers.push(new ApiError(errorCode.aborted).body());
        continue;
      }
      const entry = object(element);
      const svc = text(entry, 'svc');
      const answer = await this.#answer(svc, () => {
        // A batch inside a batch, or a login, is not a service of its own there.
        this.#assertLive(session);
        return this.#run(session, svc, entry['params'], request);
      });
      if (answer.kind !== 'json') throw new TransportFault(answer);
      failed ||= /^\{"error":[1-9]/.test(answer.body);
      answers.push(answer.body);
    }
    return `[${answers.join(',')}]`;
  }
}
