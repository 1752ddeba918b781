import { businessDate, localTime, round } from '@waybill/domain';
import { Fault } from '@waybill/fault';
import type { Expression } from './mapping.ts';
import type { FieldValue } from './port.ts';

/** A parameter of a statement; the column's type reads it. */
export type SqlValue = string | boolean | null;

const DEFAULT_DECIMALS = 6;

/** Decimals of the contract, for reading a number back out of another unit. */
const CONTRACT_DECIMALS: Readonly<Record<string, number>> = {
  distance_km: 2,
  duration_s: 0,
  dwell_s: 0,
  moving_s: 0,
  fix_count: 0,
  volume_l: 1,
  volume_error_l: 1,
  level_before_l: 1,
  level_after_l: 1,
  odometer_km: 2,
  engine_hours_h: 2,
  due_km: 2,
  due_engine_hours_h: 2,
};

function unfit(expression: Expression, value: unknown): Fault {
  const found = value instanceof Date ? 'an instant' : typeof value;
  return new Fault(
    `${expression.from} cannot be stored as ${expression.as}: found ${found}; correct the mapping`,
    { kind: 'misconfigured', code: 'MAPPING_INVALID', stage: 'deliver' },
  );
}

/** Decimals that the column keeps. */
export function decimalsOf(expression: Expression): number {
  return expression.decimals ?? DEFAULT_DECIMALS;
}

/** A number as the column stores it. */
export function scaleNumber(expression: Expression, value: number): number {
  return round(value * (expression.multiply ?? 1), decimalsOf(expression));
}

function localText(instant: Date, zone: string): string {
  const ms = instant.getTime();
  const fraction = ((ms % 1000) + 1000) % 1000;
  const text = localTime(ms - fraction, zone);
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(3, '0')}`;
}

function translate(expression: Expression, value: FieldValue): string | undefined {
  if (expression.values === undefined) return undefined;
  const word = value instanceof Date ? value.toISOString() : String(value);
  const translated = expression.values[word];
  if (translated !== undefined) return translated;
  throw new Fault(
    `${expression.from} has the value ${word}, expected one of ${Object.keys(expression.values).join(', ')}`,
    { kind: 'refused', code: 'VALUE_UNKNOWN', stage: 'deliver' },
  );
}

/**
 * The stored form of a field. Nothing and null stay null. Throws Fault refused / VALUE_UNKNOWN for a
 * value without translation, misconfigured / MAPPING_INVALID for a field that cannot have this form.
 */
export function evaluate(
  expression: Expression,
  value: FieldValue | undefined,
  zone: string,
): SqlValue {
  if (value === null || value === undefined) return null;
  const translated = translate(expression, value);
  if (translated !== undefined) return translated;
  switch (expression.as) {
    case 'text':
      return value instanceof Date ? value.toISOString() : String(value);
    case 'number':
      if (typeof value !== 'number') throw unfit(expression, value);
      return String(scaleNumber(expression, value));
    case 'boolean':
      if (typeof value !== 'boolean') throw unfit(expression, value);
      return value;
    case 'timestamp':
      if (!(value instanceof Date)) throw unfit(expression, value);
      return value.toISOString();
    case 'local_timestamp':
      if (!(value instanceof Date)) throw unfit(expression, value);
      return localText(value, zone);
    case 'date':
      if (value instanceof Date) return businessDate(value.getTime(), zone);
      if (typeof value !== 'string') throw unfit(expression, value);
      return value;
  }
}

/** Reads a stored text back into contract terms; times are selected as ms since epoch. */
export function readBack(expression: Expression, stored: string | null): string | number | null {
  if (stored === null) return null;
  if (expression.values !== undefined) return untranslate(expression, stored);
  switch (expression.as) {
    case 'number': {
      const value = Number(stored) / (expression.multiply ?? 1);
      return round(value, CONTRACT_DECIMALS[expression.from] ?? DEFAULT_DECIMALS);
    }
    case 'timestamp':
    case 'local_timestamp':
      return Number(stored);
    case 'text':
    case 'boolean':
    case 'date':
      return stored;
  }
}

/** Our word for the ERP's; a word that nobody translates stays as it is. */
export function untranslate(expression: Expression, stored: string): string {
  const entries = Object.entries(expression.values ?? {});
  return entries.find(([, theirs]) => theirs === stored)?.[0] ?? stored;
}
