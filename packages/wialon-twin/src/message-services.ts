import { visibleItem } from './core-services.ts';
import { ApiError, errorCode, has, integer } from './params.ts';
import type { Call, Service, Services } from './service.ts';
import type { Loader } from './session.ts';

const MAX_LAST_COUNT = 10_000;

/** The messages whose flags under the mask equal the wanted ones. */
function filtered({ params, session }: Call, numbers: readonly number[]): readonly number[] {
  const [mask, wanted] = [integer(params, 'flagsMask'), integer(params, 'flags')];
  if (mask === 0 && wanted === 0) return numbers;
  return numbers.filter((g) => (session.store.message(g).flags & mask) === wanted);
}

const slice = (call: Call, numbers: readonly number[]): string =>
  `[${numbers.map((g) => call.session.store.message(g).json).join(',')}]`;

/** Makes `numbers` the session's message set and answers with its first loadCount messages. */
function load(call: Call, numbers: readonly number[]): string {
  const found = filtered(call, numbers);
  const { others, limit } = call.held();
  if (others + found.length > limit) throw new ApiError(errorCode.tooManyMessages);
  call.spend('messages', found.length);
  call.session.loader = { numbers: found };
  const first = found.slice(0, integer(call.params, 'loadCount'));
  return `{"count":${found.length},"messages":${slice(call, first)}}`;
}

function loadInterval(call: Call): string {
  const { params, session, now } = call;
  const item = visibleItem(call, 'itemId');
  const [from, to] = [integer(params, 'timeFrom'), integer(params, 'timeTo')];
  if (to < from) throw new ApiError(errorCode.invalidInput);
  return load(call, session.store.interval(item.id, from, to, now));
}

function loadLast(call: Call): string {
  const { params, session, now } = call;
  const item = visibleItem(call, 'itemId');
  const count = integer(params, 'lastCount');
  if (count < 1 || count > MAX_LAST_COUNT) throw new ApiError(errorCode.invalidInput);
  const until = integer(params, 'lastTime') === 0 ? now : integer(params, 'lastTime');
  const numbers = session.store.interval(item.id, 0, until, now);
  if (numbers.length === 0) throw new ApiError(errorCode.invalidInput);
  return load(call, numbers.slice(-count));
}

function loaded({ session }: Call): Loader {
  if (session.loader === undefined) throw new ApiError(errorCode.invalidInput);
  return session.loader;
}

/** By index (both ends included), or by time with an end or a count. */
function getMessages(call: Call): string {
  const { params, session } = call;
  const { numbers } = loaded(call);
  if (!has(params, 'timeFrom') && !has(params, 'timeTo')) {
    const [from, to] = [integer(params, 'indexFrom'), integer(params, 'indexTo')];
    if (from < 0 || to < from) throw new ApiError(errorCode.invalidInput);
    return slice(call, numbers.slice(from, to + 1));
  }
  const from = has(params, 'timeFrom') ? integer(params, 'timeFrom') : Number.NEGATIVE_INFINITY;
  const to = has(params, 'timeTo') ? integer(params, 'timeTo') : Number.POSITIVE_INFINITY;
  const between = numbers.filter((g) => {
    const { t } = session.store.message(g);
    return t >= from && t <= to;
  });
  if (!has(params, 'loadCount')) return slice(call, between);
  const count = integer(params, 'loadCount');
  return slice(call, has(params, 'timeFrom') ? between.slice(0, count) : between.slice(-count));
}

function unload(call: Call): string {
  loaded(call);
  call.session.loader = undefined;
  return '{}';
}

const loading = { heavy: true, sharesLoader: true, needsGzip: true } satisfies Partial<Service>;

/** messages/*: one message set per session. */
export const messageServices: Services = {
  'messages/load_interval': { ...loading, run: loadInterval },
  'messages/load_last': { ...loading, run: loadLast },
  'messages/get_messages': { heavy: true, run: getMessages },
  'messages/unload': { run: unload },
};
