import type { Violation } from '@waybill/contracts';
import { instantOf } from '@waybill/domain';
import { violation } from './json.ts';
import { reject, type RejectionCode, type Verdict } from './transformed.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Reads the fields of a vendor's element, noting every violation; the caller asks at the end. */
export interface FieldReader {
  readonly id: (name: string) => string;
  readonly instant: (name: string) => number;
  readonly latitude: (name: string) => number;
  readonly longitude: (name: string) => number;
  /** Undefined when every field was right; else the element's refusal. */
  readonly refusal: () => Verdict | undefined;
}

const CODES = { id: 'UNIT_UNKNOWN', instant: 'TIME_INVALID', degrees: 'POSITION_INVALID' } as const;

/** For the fields without which an element is no fact. */
export function requiredFields(fields: Fields, path: string): FieldReader {
  const found: Violation[] = [];
  let code: RejectionCode | undefined;
  const refuse = (why: RejectionCode, name: string, expected: string): void => {
    code ??= why;
    found.push(violation(path === '' ? name : `${path}.${name}`, expected, fields[name]));
  };
  const degrees = (name: string, limit: number): number => {
    const value = fields[name];
    if (typeof value === 'number' && Math.abs(value) <= limit) return value;
    refuse(CODES.degrees, name, `degrees from -${limit} to ${limit}`);
    return 0;
  };
  return {
    id: (name) => {
      const value = fields[name];
      if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
      if (typeof value === 'string' && value !== '') return value;
      refuse(CODES.id, name, 'an id');
      return '';
    },
    instant: (name) => {
      const instant = instantOf(fields[name]);
      if (instant === undefined) refuse(CODES.instant, name, 'an instant');
      return instant ?? 0;
    },
    latitude: (name) => degrees(name, 90),
    longitude: (name) => degrees(name, 180),
    refusal: () => (code === undefined ? undefined : reject(code, found)),
  };
}

/** A measurement beside the coordinates: null unless it is a number in its range; it must not cost the fix. */
export function measured(value: unknown, lowest: number, highest: number): number | null {
  return typeof value === 'number' && value >= lowest && value <= highest ? value : null;
}
