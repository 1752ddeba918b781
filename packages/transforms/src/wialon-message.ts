import type { Violation } from '@waybill/contracts';
import { recordFix, recordSignals, type Signals } from './fix.ts';
import { isObject, violation } from './json.ts';
import type { NullReason } from './sensor-expression.ts';
import {
  reject,
  skip,
  type RecordAddress,
  type RejectionCode,
  type SensorsOf,
  type Verdict,
} from './transformed.ts';
import { signalsOf } from './wialon-signals.ts';

/** What a message inherits from the page that it came in. */
export interface MessageContext {
  readonly tenantId: string;
  /** Wall time of the answer in ms. */
  readonly receivedTime: number;
  readonly address: RecordAddress;
  readonly signals: SignalReading;
}

/** How signals are read from the messages of a page. */
export interface SignalReading {
  readonly sensorsOf: SensorsOf;
  readonly note: (reason: NullReason) => void;
}

/** Type names of Wialon messages that are no data messages (8.3 of the fact sheet). */
const OTHER_TYPES: ReadonlySet<unknown> = new Set(['us', 'ucr', 'evt', 'xx']);

/** Wialon's "no value". */
const NO_VALUE = -348_201.387_6;

/** Wialon's "number of satellites not known". */
const SATELLITES_UNKNOWN = 255;

/** Last second of year 9999: beyond it a time is no date any more. */
const LATEST_SECOND = 253_402_300_799;

const CODE_OF_PATH: ReadonlyMap<string, RejectionCode> = new Map([
  ['t', 'TIME_INVALID'],
  ['rt', 'TIME_INVALID'],
  ['f', 'MESSAGE_MALFORMED'],
  ['p', 'MESSAGE_MALFORMED'],
]);

function codeOf(violations: readonly Violation[]): RejectionCode {
  const path = violations[0]?.path ?? '';
  return path === 'pos' || path.startsWith('pos.')
    ? 'POSITION_INVALID'
    : (CODE_OF_PATH.get(path) ?? 'CONTRACT_VIOLATED');
}

function isSecond(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= LATEST_SECOND;
}

/**
 * A measurement beside the coordinates: null when absent, "no value", or outside the contract's range.
 * A wild speed must not cost the fix it came with; a value of another type is a malformed message.
 */
function measurement(
  pos: Readonly<Record<string, unknown>>,
  name: string,
  lowest: number,
  highest: number,
  violations: Violation[],
): number | null {
  const value = pos[name];
  if (value === undefined || value === null || value === NO_VALUE) return null;
  if (typeof value !== 'number') {
    violations.push(violation(`pos.${name}`, 'a number or null', value));
    return null;
  }
  return value >= lowest && value <= highest ? value : null;
}

function coordinate(
  pos: Readonly<Record<string, unknown>>,
  name: string,
  limit: number,
  violations: Violation[],
): number {
  const value = pos[name];
  if (typeof value === 'number' && value >= -limit && value <= limit) return value;
  violations.push(violation(`pos.${name}`, `degrees from -${limit} to ${limit}`, value));
  return 0;
}

/** Whole satellites; 255 and whatever is no count is "not known". */
function satellites(count: number | null): number | null {
  return count === null || count === SATELLITES_UNKNOWN || !Number.isInteger(count) ? null : count;
}

/**
 * One element of messages/get_messages, or `d` of an `m` event: a fix, a counted skip, or a refusal with
 * every violation by path. Fields (8.3): `t` device time in s, `rt` registration time in s (missing in
 * some recordings: then the time of receipt), `f` bit set whose bit 0 says "position present" and whose
 * high bits are real (1073741831 was seen), `pos` {y latitude, x longitude, z altitude in m, s speed in
 * km/h, c course, sc satellites, 255 = not known}, `p` parameters.
 */
export function readMessage(
  message: unknown,
  unit: string,
  index: number,
  context: MessageContext,
): Verdict {
  if (!isObject(message)) {
    return reject('MESSAGE_MALFORMED', [violation('', 'a message object', message)], unit);
  }
  const seconds = message['t'];
  const eventTime = isSecond(seconds) ? Math.round(seconds * 1000) : null;
  const type = message['tp'];
  if (type !== 'ud') {
    if (OTHER_TYPES.has(type)) return skip('other_message_type');
    return reject(
      'TYPE_UNKNOWN',
      [violation('tp', 'ud, us, ucr, evt or xx', type)],
      unit,
      eventTime,
    );
  }
  return readData(message, unit, index, context, eventTime);
}

function signalsIn(
  message: Readonly<Record<string, unknown>>,
  unit: string,
  eventTime: number,
  { signals: { sensorsOf, note } }: MessageContext,
): Signals {
  return signalsOf(message, sensorsOf(unit, eventTime), note);
}

function readData(
  message: Readonly<Record<string, unknown>>,
  unit: string,
  index: number,
  context: MessageContext,
  eventTime: number | null,
): Verdict {
  const violations: Violation[] = [];
  if (eventTime === null) violations.push(violation('t', 'seconds since 1970', message['t']));
  const registered = message['rt'];
  const hasRegistered = registered !== undefined && registered !== null;
  if (hasRegistered && !isSecond(registered)) {
    violations.push(violation('rt', 'seconds since 1970', registered));
  }
  const flags = message['f'];
  if (typeof flags !== 'number') violations.push(violation('f', 'a set of bits', flags));
  const parameters = message['p'];
  if (parameters !== undefined && parameters !== null && !isObject(parameters)) {
    violations.push(violation('p', 'an object of parameters', parameters));
  }
  const position = message['pos'] ?? null;
  const flagged = typeof flags === 'number' && (flags & 1) === 1;
  const providerTime = isSecond(registered) ? Math.round(registered * 1000) : null;
  if (position === null && !flagged) {
    if (violations.length > 0 || eventTime === null) {
      return reject(codeOf(violations), violations, unit, eventTime);
    }
    const signals = signalsIn(message, unit, eventTime, context);
    return recordSignals({ ...signals, unit, eventTime, providerTime }, { ...context, index });
  }
  if (!isObject(position)) {
    violations.push(violation('pos', 'an object, because bit 0 of f is set', position));
  } else if (!flagged && typeof flags === 'number') {
    violations.push(violation('pos', 'null, because bit 0 of f is not set', position));
  }
  const pos = isObject(position) ? position : {};
  const latitude = isObject(position) ? coordinate(pos, 'y', 90, violations) : 0;
  const longitude = isObject(position) ? coordinate(pos, 'x', 180, violations) : 0;
  const altitude = measurement(pos, 'z', -1e9, 1e9, violations);
  const speed = measurement(pos, 's', 0, 400, violations);
  const course = measurement(pos, 'c', 0, 360, violations);
  const seen = measurement(pos, 'sc', 0, 255, violations);
  if (violations.length > 0 || eventTime === null) {
    return reject(codeOf(violations), violations, unit, eventTime);
  }
  return recordFix(
    {
      unit,
      eventTime,
      providerTime,
      latitude,
      longitude,
      altitudeM: altitude,
      speedKmh: speed,
      courseDeg: course,
      satellites: satellites(seen),
      ...signalsIn(message, unit, eventTime, context),
    },
    { ...context, index },
  );
}
