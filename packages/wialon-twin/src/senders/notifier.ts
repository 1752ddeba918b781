import type { Notification } from '../equipment/notifications.ts';
import type { TwinAccount } from '../items.ts';
import { contains, type Zone } from '../zones.ts';
import type { Track } from '../trips.ts';

/** A notification that went off. */
export interface Alert {
  readonly notification: Notification;
  readonly unitId: number;
  readonly track: Track;
  readonly zone: Zone | undefined;
}

interface UnitState {
  readonly inside: Set<number>;
  readonly on: Set<number>;
}

/**
 * Judges messages as they are registered. State per unit: the zones it is in, and the notifications whose
 * condition holds; one goes off when its condition begins to hold. A unit's first message only sets the state.
 */
export class Notifier {
  readonly #account: TwinAccount;
  readonly #units = new Map<number, UnitState>();

  constructor(account: TwinAccount) {
    this.#account = account;
  }

  /** What a message of a unit sets off. */
  judge(unitId: number, track: Track): Alert[] {
    const before = this.#units.get(unitId);
    const inside = this.#account.zones.filter((zone) => contains(zone, track.lat, track.lon));
    const holding = this.#account.notifications.filter((one) => holds(one, track));
    this.#units.set(unitId, {
      inside: new Set(inside.map(({ id }) => id)),
      on: new Set(holding.map(({ id }) => id)),
    });
    if (before === undefined) return [];
    const alert = (notification: Notification, zone?: Zone): Alert => ({
      notification,
      unitId,
      track,
      zone,
    });
    const crossed = this.#crossed(before.inside, inside).flatMap(({ zone, type }) =>
      this.#account.notifications
        .filter(({ trg }) => trg.t === 'geozone' && trg.p.type === type)
        .map((notification) => alert(notification, zone)),
    );
    const begun = holding.filter(({ id }) => !before.on.has(id));
    return [...crossed, ...begun.map((notification) => alert(notification))];
  }

  #crossed(before: ReadonlySet<number>, now: readonly Zone[]): { zone: Zone; type: 0 | 1 }[] {
    const entered = now
      .filter(({ id }) => !before.has(id))
      .map((zone) => ({ zone, type: 0 as const }));
    const left = this.#account.zones
      .filter(({ id }) => before.has(id) && !now.some((zone) => zone.id === id))
      .map((zone) => ({ zone, type: 1 as const }));
    return [...entered, ...left];
  }
}

/** Conditions that last; crossings of zones are judged apart. */
function holds({ trg }: Notification, { speed, parameters }: Track): boolean {
  if (trg.t === 'speed') return speed > trg.p.min_speed && speed <= trg.p.max_speed;
  return trg.t === 'sensor_value' && parameters['ignition'] === 1;
}

/** The text of a notification with its tags replaced: what is pushed. Values are escaped for a form. */
export function pushText({ notification, unitId, track, zone }: Alert, unitName: string): string {
  const values: Readonly<Record<string, string>> = {
    UNIT: unitName,
    UNIT_ID: String(unitId),
    MSG_TIME_INT: String(track.t),
    LATD: String(track.lat),
    LOND: String(track.lon),
    SPEED: String(track.speed),
    ZONE: zone?.name ?? '',
    NOTIFICATION: notification.n,
  };
  return notification.txt.replaceAll(/%([A-Z_]+)%/g, (tag, name: string) =>
    Object.hasOwn(values, name) ? encodeURIComponent(values[name] ?? '') : tag,
  );
}
