/** The ten ways in which a served message can be broken; each must be rejected alone, its neighbours pass. */
export const malformedKinds = [
  'latitude-out-of-range',
  'longitude-out-of-range',
  'latitude-text',
  'position-without-longitude',
  'time-text',
  'time-negative',
  'message-null',
  'message-number',
  'parameters-text',
  'unknown-type',
] as const;

export type MalformedKind = (typeof malformedKinds)[number];

/** The place and times of the message that is broken. */
export interface BrokenMessage {
  readonly t: number;
  readonly rt: number;
  readonly lat: number;
  readonly lon: number;
}

/** The JSON value served in place of a message. Everything but the named defect is well-formed. */
export function malformedBody(kind: MalformedKind, { t, rt, lat, lon }: BrokenMessage): unknown {
  const pos = { y: lat, x: lon, z: 0, s: 0, c: 0, sc: 255 };
  const message = { t, f: 1, tp: 'ud', pos, i: 0, o: 0, lc: 0, rt, p: {} };
  switch (kind) {
    case 'latitude-out-of-range':
      return { ...message, pos: { ...pos, y: 95.5 } };
    case 'longitude-out-of-range':
      return { ...message, pos: { ...pos, x: -190.25 } };
    case 'latitude-text':
      return { ...message, pos: { ...pos, y: String(lat) } };
    case 'position-without-longitude': {
      const { x: _dropped, ...rest } = pos;
      return { ...message, pos: rest };
    }
    case 'time-text':
      return { ...message, t: new Date(t * 1000).toISOString() };
    case 'time-negative':
      return { ...message, t: -1 };
    case 'message-null':
      return null;
    case 'message-number':
      return 42;
    case 'parameters-text':
      return { ...message, p: 'pwr_ext=12.6' };
    case 'unknown-type':
      return { ...message, tp: 'zz' };
  }
}
