import type { Injection } from '../injected-store.ts';
import type { TwinAccount } from '../items.ts';
import { malformedBody, malformedKinds, type MalformedKind } from '../malformed.ts';
import { FUTURE_TIME } from '../trouble-plan.ts';
import { isWellFormed, type DataMessage } from '../well-formed.ts';
import { ControlError, required } from './fields.ts';

/** Ways in which an injected message is out of order; `malformed` stands for the kinds of malformed.ts. */
export const messageFaults = [
  'duplicate',
  'late',
  'jump',
  'future',
  'no_position',
  ...malformedKinds,
] as const;

export type MessageFault = (typeof messageFaults)[number];

export interface MessageOrder {
  readonly unit: number;
  readonly message: MessageFault;
  /** How old a late message is, s. */
  readonly ageS: number;
  /** Only intervals find it. */
  readonly silent: boolean;
}

/** Degrees by which a jumping message is off: some 200 km. */
const JUMP_DEGREES = 2;

type Message = DataMessage & Readonly<Record<string, unknown>>;

function lastOf(account: TwinAccount, unit: number, now: number): Message {
  const last = required(account.store.last(unit, now), `a message of unit ${unit}`);
  const message: unknown = JSON.parse(last.json);
  if (!isWellFormed(message)) throw new ControlError(`unit ${unit} has no well-formed message`);
  return { ...message };
}

const isMalformedKind = (kind: MessageFault): kind is MalformedKind =>
  (malformedKinds as readonly string[]).includes(kind);

/** The message that an order puts in, made from the last one of the unit; registered now. */
export function injectionOf(account: TwinAccount, order: MessageOrder, now: number): Injection {
  const { unit: unitId, message: kind, ageS, silent } = order;
  const last = lastOf(account, unitId, now);
  const place = last.pos ?? { x: 0, y: 0 };
  const at = (t: number, body: unknown): Injection => ({ unitId, t, body, silent });
  const fresh = (t: number, change: object): Injection => at(t, { ...last, t, rt: now, ...change });
  if (kind === 'duplicate') return fresh(last.t, {});
  if (kind === 'future') return fresh(FUTURE_TIME + (now % 86_400), {});
  if (kind === 'no_position') return fresh(now, { f: 2, pos: null });
  if (kind === 'jump') {
    return fresh(now, {
      pos: { ...place, y: place.y > 0 ? place.y - JUMP_DEGREES : JUMP_DEGREES },
    });
  }
  if (kind === 'late') {
    // Beside the fixes of its time: a place that no other message of that second has.
    const aside = Math.round((place.x + 0.001) * 1e5) / 1e5;
    return fresh(now - ageS, { pos: { ...place, x: aside } });
  }
  if (!isMalformedKind(kind)) throw new ControlError(`unknown message ${String(kind)}`);
  return at(now, malformedBody(kind, { t: now, rt: now, lat: place.y, lon: place.x }));
}
