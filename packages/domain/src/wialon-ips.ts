/**
 * Wialon IPS 2.0, the text protocol in which trackers and retranslators send: `#TYPE#content` with a
 * checksum behind the last `;` or `|`. Source of the format: the protocol's description, version 2.0.
 */

/** Content type of a raw record that holds one packet, without its line end. */
export const IPS_CONTENT_TYPE = 'text/vnd.wialon-ips';

/** Headers of such a record: the id that the device logged in with, and the unit that has it. */
export const IPS_DEVICE_HEADER = 'wialon-ips-device';
export const IPS_UNIT_HEADER = 'wialon-ips-unit';

/** A packet cut into its parts; nothing of the content is read yet. */
export interface IpsPacket {
  /** `L`, `D`, `SD`, `B`, `P`, `M` and others. */
  readonly type: string;
  /** What stands between the type and the checksum, the last delimiter included. */
  readonly content: string;
  /** False: the checksum is missing, no hexadecimal number, or of other bytes. */
  readonly isIntact: boolean;
}

/** What a device says in one message; null where it says NA. */
export interface IpsMessage {
  /** Device time in s since 1970; null: the time of receipt counts. */
  readonly seconds: number | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly speedKmh: number | null;
  readonly courseDeg: number | null;
  readonly altitudeM: number | null;
  readonly satellites: number | null;
  /** Bit masks. */
  readonly inputs: number | null;
  readonly outputs: number | null;
  /** Additional ones, with `hdop`, `adc1` … and `avl_driver` under the names that Wialon gives them. */
  readonly parameters: Readonly<Record<string, number | string>>;
}

/** Why a message cannot be read, and the number with which the protocol says so. */
export interface IpsMalformed {
  readonly kind: 'malformed';
  readonly answer: -1 | 0 | 10 | 11 | 12 | 13 | 14 | 15;
  /** What was expected. */
  readonly expected: string;
}

/** One message, or why it is none. */
export type IpsRead = { readonly kind: 'message'; readonly message: IpsMessage } | IpsMalformed;

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** CRC-16/ARC: polynomial 8005 reflected, start 0. */
export function ipsChecksum(bytes: Uint8Array): number {
  let crc = 0;
  // The index is a byte, so the table has it.
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number);
  return crc;
}

/** Cuts a line (without its end) into its packet; undefined when it is none. */
export function ipsPacket(line: Uint8Array): IpsPacket | undefined {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
  const [, type, rest] = /^#([A-Z]{1,3})#(.*)$/s.exec(text) ?? [];
  if (type === undefined || rest === undefined) return undefined;
  const cut = Math.max(rest.lastIndexOf(';'), rest.lastIndexOf('|')) + 1;
  const [content, sum] = [rest.slice(0, cut), rest.slice(cut)];
  // The checksum is of the bytes as they came, not of what UTF-8 made of them.
  const head = Buffer.byteLength(type) + 2;
  const summed = line.subarray(head, line.length - Buffer.byteLength(sum));
  const isIntact =
    /^[0-9A-Fa-f]{1,4}$/.test(sum) && Number.parseInt(sum, 16) === ipsChecksum(summed);
  return { type, content, isIntact };
}

/** The texts of the messages of a packet: one of `D` and `SD`, those between the bars of `B`. */
export function ipsMessages({ type, content }: IpsPacket): readonly string[] {
  if (type !== 'B') return [content.endsWith(';') ? content.slice(0, -1) : content];
  return content.split('|').slice(0, -1);
}

const SHORT_FIELDS = 10;
const FULL_FIELDS = 16;

type Failure = Pick<IpsMalformed, 'answer' | 'expected'>;

/** Thrown and caught within this file: the field that could not be read. */
class Unreadable extends Error {
  readonly failure: Failure;

  constructor(answer: IpsMalformed['answer'], expected: string) {
    super(expected);
    this.failure = { answer, expected };
  }
}

/** A field that is a number; null for NA and nothing. */
function numeric(text: string, answer: IpsMalformed['answer'], what: string): number | null {
  if (text === 'NA' || text === '') return null;
  if (/^[+-]?\d+(?:\.\d*)?$/.test(text)) return Number(text);
  throw new Unreadable(answer, `${what} as a number or NA`);
}

/** `DDMMYY` and `HHMMSS`, perhaps with fractions, in UTC. */
function secondsOf(date: string, time: string): number | null {
  if (date === 'NA' && time === 'NA') return null;
  const wrong = new Unreadable(0, 'DDMMYY;HHMMSS in UTC, or NA;NA');
  const [, day, month, year] = /^(\d\d)(\d\d)(\d\d)$/.exec(date) ?? [];
  const [, hour, minute, second, fraction] = /^(\d\d)(\d\d)(\d\d)(\.\d{1,9})?$/.exec(time) ?? [];
  if (day === undefined || hour === undefined) throw wrong;
  const iso = `20${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  const ms = Date.parse(iso);
  // Date rolls 31 February over; such a day is none.
  if (Number.isNaN(ms) || new Date(ms).getUTCDate() !== Number(day)) throw wrong;
  return ms / 1000 + Number(fraction ?? 0);
}

/** Degrees and minutes with a hemisphere: `3025.0725;N` is 30° 25.0725′ north. */
function degreesOf(text: string, sign: string, of: readonly [string, string]): number | null {
  if (text === 'NA' && sign === 'NA') return null;
  const limit = of[0] === 'N' ? 90 : 180;
  const wrong = new Unreadable(10, `degrees and minutes with ${of.join(' or ')}, or NA;NA`);
  const [, degrees, minutes] = /^(\d{1,3})(\d\d(?:\.\d*)?)$/.exec(text) ?? [];
  if (degrees === undefined || minutes === undefined || !of.includes(sign)) throw wrong;
  const value = Number(degrees) + Number(minutes) / 60;
  if (Number(minutes) >= 60 || value > limit) throw wrong;
  return sign === of[1] ? -value : value;
}

/** `name:type:value,…`: type 1 and 2 are numbers, 3 is text. */
function parametersOf(text: string): Record<string, number | string> {
  const parameters: Record<string, number | string> = {};
  if (text === 'NA' || text === '') return parameters;
  for (const each of text.split(',')) {
    const [, name, type, value] = /^([^:]+):([123]):(.*)$/s.exec(each) ?? [];
    if (name === undefined || value === undefined) {
      throw new Unreadable(15, 'parameters as name:type:value with type 1, 2 or 3');
    }
    if (type === '3') parameters[name] = value;
    else if (/^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/.test(value)) parameters[name] = Number(value);
    else throw new Unreadable(15, `a number in parameter ${name.slice(0, 40)}`);
  }
  return parameters;
}

/** What the second half of a full message adds. */
function extras(fields: readonly string[]): Pick<IpsMessage, 'inputs' | 'outputs' | 'parameters'> {
  const [hdop = '', inputs = '', outputs = '', adc = '', driver = '', more = ''] = fields;
  const dilution = numeric(hdop, 12, 'hdop');
  const masks = {
    inputs: numeric(inputs, 13, 'inputs'),
    outputs: numeric(outputs, 13, 'outputs'),
  };
  const analog = adc === 'NA' || adc === '' ? [] : adc.split(',');
  const voltages = analog.flatMap((text, index) => {
    const value = numeric(text, 14, 'analog inputs');
    return value === null ? [] : [[`adc${index + 1}`, value] as const];
  });
  const parameters = {
    ...(dilution === null ? {} : { hdop: dilution }),
    ...Object.fromEntries(voltages),
    ...(driver === 'NA' || driver === '' ? {} : { avl_driver: driver }),
    ...parametersOf(more),
  };
  return { ...masks, parameters };
}

function messageOf(text: string): IpsMessage {
  const fields = text.split(';');
  if (fields.length !== SHORT_FIELDS && fields.length !== FULL_FIELDS) {
    throw new Unreadable(-1, `${SHORT_FIELDS} or ${FULL_FIELDS} fields, found ${fields.length}`);
  }
  const [date = '', time = '', lat = '', north = '', lon = '', east = ''] = fields;
  const [speed = '', course = '', altitude = '', satellites = ''] = fields.slice(6);
  const seconds = secondsOf(date, time);
  const latitude = degreesOf(lat, north, ['N', 'S']);
  const longitude = degreesOf(lon, east, ['E', 'W']);
  if ((latitude === null) !== (longitude === null)) {
    throw new Unreadable(10, 'both coordinates, or none');
  }
  return {
    seconds,
    latitude,
    longitude,
    speedKmh: numeric(speed, 11, 'speed'),
    courseDeg: numeric(course, 11, 'course'),
    altitudeM: numeric(altitude, 11, 'height'),
    satellites: numeric(satellites, 12, 'satellites'),
    ...(fields.length === FULL_FIELDS
      ? extras(fields.slice(SHORT_FIELDS))
      : { inputs: null, outputs: null, parameters: {} }),
  };
}

/** Reads the text of one message, in its short form of 10 fields or the full one of 16. Never throws. */
export function readIpsMessage(text: string): IpsRead {
  try {
    return { kind: 'message', message: messageOf(text) };
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'malformed', ...error.failure };
    throw error;
  }
}
