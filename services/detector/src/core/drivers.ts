import type { ByteReader, ByteWriter } from './bytes.ts';
import type { Fix } from './fix.ts';
import { at, type Assignment, type Valid } from './unit-settings.ts';

/** Where a driver is known from: the code in the message, the provider's binding, the ERP's plan. */
export type AssignmentSource = 'MESSAGE' | Assignment['source'];

const sources: readonly AssignmentSource[] = ['MESSAGE', 'BINDING', 'PLAN'];

/** What one driver drove of a run. */
export interface DriverShare {
  readonly driver: string;
  readonly source: AssignmentSource;
  readonly movingMs: number;
  /** First and last moving fix under this driver, ms. */
  readonly from: number;
  readonly to: number;
}

/** Who drove a run so far. */
export interface Drivers {
  /** Newest code in a message of the run: it holds until another one. */
  readonly said: string | undefined;
  /** Driver of the newest moving fix with one. */
  readonly current: string | undefined;
  /** How often another driver took over. */
  readonly changes: number;
  /** One per driver, in order of first appearance. */
  readonly shares: readonly DriverShare[];
}

/** Nobody is known. */
export const NOBODY: Drivers = Object.freeze({
  said: undefined,
  current: undefined,
  changes: 0,
  shares: Object.freeze([]),
});

/**
 * One fix of the run further. `movedMs` is the time in motion up to the fix; undefined for a fix that does
 * not move.
 */
export function drive(
  drivers: Drivers,
  fix: Fix,
  movedMs: number | undefined,
  assignments: readonly Valid<Assignment>[],
): Drivers {
  const said = fix.driver ?? drivers.said;
  if (said === undefined && assignments.length === 0) return drivers;
  const assigned = said === undefined ? at(assignments, fix.time) : undefined;
  const driver = said ?? assigned?.driver;
  if (driver === undefined || movedMs === undefined) {
    return said === drivers.said ? drivers : { ...drivers, said };
  }
  const known = drivers.shares.findIndex((share) => share.driver === driver);
  const before = drivers.shares[known];
  const share: DriverShare = {
    driver,
    source: before?.source ?? (said === undefined ? (assigned?.source ?? 'PLAN') : 'MESSAGE'),
    movingMs: (before?.movingMs ?? 0) + movedMs,
    from: before?.from ?? fix.time - movedMs,
    to: fix.time,
  };
  const isChange = drivers.current !== undefined && drivers.current !== driver;
  return {
    said,
    current: driver,
    changes: drivers.changes + (isChange ? 1 : 0),
    shares: before === undefined ? [...drivers.shares, share] : drivers.shares.with(known, share),
  };
}

/** The driver with the most moving time; of equals the earlier one. */
export function mainDriver({ shares }: Drivers): DriverShare | undefined {
  let most = shares[0];
  for (const share of shares) if (share.movingMs > (most?.movingMs ?? 0)) most = share;
  return most;
}

/** True when both are the same and go on in the same way. */
export function sameDrivers(a: Drivers, b: Drivers): boolean {
  return (
    a === b ||
    (a.said === b.said &&
      a.current === b.current &&
      a.changes === b.changes &&
      a.shares.length === b.shares.length &&
      a.shares.every((share, i) => sameShare(share, b.shares[i])))
  );
}

function sameShare(a: DriverShare, b: DriverShare | undefined): boolean {
  return (
    a.driver === b?.driver &&
    a.source === b.source &&
    a.movingMs === b.movingMs &&
    a.from === b.from &&
    a.to === b.to
  );
}

/** Drivers as bytes. */
export function writeDrivers(writer: ByteWriter, drivers: Drivers): void {
  writer.optional(drivers.said, (said) => writer.text(said));
  writer.optional(drivers.current, (current) => writer.text(current));
  writer.varint(drivers.changes);
  writer.list(drivers.shares, (share) => {
    writer.text(share.driver);
    writer.u8(sources.indexOf(share.source));
    writer.real(share.movingMs);
    writer.real(share.from);
    writer.real(share.to);
  });
}

/** The counterpart of `writeDrivers`. */
export function readDrivers(reader: ByteReader): Drivers {
  const drivers = {
    said: reader.optional(() => reader.text()),
    current: reader.optional(() => reader.text()),
    changes: reader.varint(),
    shares: reader.list(() => ({
      driver: reader.text(),
      source: sources[reader.u8()] ?? 'PLAN',
      movingMs: reader.real(),
      from: reader.real(),
      to: reader.real(),
    })),
  };
  return drivers.said === undefined && drivers.shares.length === 0 ? NOBODY : drivers;
}
