/** A fix as Wialon IPS 2.0 carries it. */
export interface IpsFix {
  /** Epoch seconds. */
  readonly t: number;
  readonly lat: number;
  readonly lon: number;
  /** km/h. */
  readonly speed: number;
  /** Degrees. */
  readonly course: number;
  readonly parameters: Readonly<Record<string, number | string>>;
}

/** CRC-16/ARC (polynomial A001 reflected, start 0) as four upper-case hex digits. */
export function crc16(text: string): string {
  let crc = 0;
  for (const byte of Buffer.from(text, 'utf8')) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc.toString(16).toUpperCase().padStart(4, '0');
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Degrees and minutes with four decimals, and the hemisphere. */
function angle(degrees: number, digits: number, letters: readonly [string, string]): string {
  // In ten-thousandths of a minute, so that 59.99999 does not become 60.0000.
  const units = Math.round(Math.abs(degrees) * 600_000);
  const whole = String(Math.floor(units / 600_000)).padStart(digits, '0');
  const minutes = ((units % 600_000) / 10_000).toFixed(4).padStart(7, '0');
  return `${whole}${minutes};${degrees < 0 ? letters[1] : letters[0]}`;
}

/** `name:type:value`, 1 whole number, 2 number, 3 text. */
function parameter([name, value]: readonly [string, number | string]): string {
  if (typeof value === 'string') return `${name}:3:${value}`;
  return `${name}:${Number.isInteger(value) ? 1 : 2}:${value}`;
}

/** Date, time, place, motion, and NA for what the twin does not know. */
function body({ t, lat, lon, speed, course, parameters }: IpsFix): string {
  const at = new Date(t * 1000);
  const year = two(at.getUTCFullYear() % 100);
  const date = `${two(at.getUTCDate())}${two(at.getUTCMonth() + 1)}${year}`;
  const time = `${two(at.getUTCHours())}${two(at.getUTCMinutes())}${two(at.getUTCSeconds())}`;
  const place = `${angle(lat, 2, ['N', 'S'])};${angle(lon, 3, ['E', 'W'])}`;
  const list = Object.entries(parameters).map(parameter).join(',');
  return `${date};${time};${place};${speed};${course};NA;NA;NA;NA;NA;;NA;${list === '' ? 'NA' : list}`;
}

const packet = (type: string, content: string): string =>
  `#${type}#${content}${crc16(content)}\r\n`;

/** `#L#`: who sends. */
export function loginPacket(id: string, password: string): string {
  return packet('L', `2.0;${id};${password};`);
}

/** `#D#`: one fix. */
export function dataPacket(fix: IpsFix): string {
  return packet('D', `${body(fix)};`);
}

/** `#B#`: fixes of the black box, each followed by a bar, the checksum behind the last. */
export function blackBoxPacket(fixes: readonly IpsFix[]): string {
  return packet('B', fixes.map((fix) => `${body(fix)}|`).join(''));
}
