/** What makes a notification go off (fact sheet 12.3). */
export type Trigger =
  | {
      readonly t: 'geozone';
      /** type 0: on entry, 1: on exit. */
      readonly p: { readonly geozone_ids: string; readonly type: 0 | 1 };
    }
  | {
      readonly t: 'speed';
      /** km/h; goes off above min_speed. */
      readonly p: { readonly min_speed: number; readonly max_speed: number };
    }
  | {
      readonly t: 'sensor_value';
      readonly p: {
        readonly sensor_type: string;
        readonly sensor_name_mask: string;
        readonly lower_bound: number;
        readonly upper_bound: number;
        readonly type: 0 | 1;
      };
    };

/** A notification of a resource. */
export interface Notification {
  readonly id: number;
  readonly n: string;
  /** Text with tags; also the body of the push. */
  readonly txt: string;
  readonly trg: Trigger;
}

const TEXT =
  'unit=%UNIT_ID%&name=%UNIT%&t=%MSG_TIME_INT%&lat=%LATD%&lon=%LOND%&speed=%SPEED%&zone=%ZONE%&rule=%NOTIFICATION%';

/** The notifications of every account with full equipment. */
export function notificationsOf(zoneIds: readonly number[]): Notification[] {
  const geozone_ids = zoneIds.join(',');
  const ignition = {
    sensor_type: 'engine operation',
    sensor_name_mask: 'Ignition',
    lower_bound: 1,
    upper_bound: 1,
    type: 0,
  } as const;
  return [
    { id: 1, n: 'Zone entered', txt: TEXT, trg: { t: 'geozone', p: { geozone_ids, type: 0 } } },
    { id: 2, n: 'Zone left', txt: TEXT, trg: { t: 'geozone', p: { geozone_ids, type: 1 } } },
    { id: 3, n: 'Speeding', txt: TEXT, trg: { t: 'speed', p: { min_speed: 65, max_speed: 400 } } },
    { id: 4, n: 'Ignition on', txt: TEXT, trg: { t: 'sensor_value', p: ignition } },
  ];
}

const ALWAYS = { f1: 0, f2: 0, t1: 0, t2: 0, m: 0, y: 0, w: 0, fl: 0 };

/** Full form of `resource/get_notification_data`. */
export function notificationData(
  { id, n, txt, trg }: Notification,
  unitIds: readonly number[],
  pushUrl: string | undefined,
): unknown {
  const push = { t: 'push_messages', p: { url: pushUrl ?? '', get: 0 } };
  return {
    id,
    n,
    d: '',
    txt,
    ta: 0,
    td: 0,
    ma: 0,
    mmtd: 3600,
    cdt: 0,
    mast: 0,
    mpst: 0,
    cp: 0,
    fl: 0,
    tz: 134_217_728,
    la: 'en',
    ac: 0,
    un: unitIds,
    sch: ALWAYS,
    ctrl_sch: ALWAYS,
    trg,
    act: pushUrl === undefined ? [{ t: 'event', p: { flags: 0 } }] : [push],
  };
}
