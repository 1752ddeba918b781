import type { Cause, RawAddress } from '@waybill/contracts';
import { providerTimeOf, type Fix, type FixReference } from './fix.ts';

/** A fix that was applied in this call. */
export interface Arrival {
  readonly fix: Fix;
  /** Wall time of the record, ms. */
  readonly receivedTime: number;
  /** It was older than the unit's newest fix, or took another one's place. */
  readonly isLate: boolean;
}

/** What a call brought for one unit: the possible causes of what is published at its end. */
export interface Occasion {
  /** In order of arrival. */
  readonly arrivals: readonly Arrival[];
  /** The tenant's clock T at the end of the call, ms; undefined while a source holds it. */
  readonly clock: number | undefined;
  /** The move of T in this call. */
  readonly progress:
    { readonly from: number; readonly to: number; readonly receivedTime: number } | undefined;
  /** The tables' change that re-cut the unit in this call. */
  readonly binding: { readonly changedTime: number } | undefined;
}

/** A difference to the published set, as far as its cause goes. */
export interface Change {
  /** Event time that bears on it, ms. */
  readonly from: number;
  readonly to: number;
  /** Published borders moved, or a published fact is withdrawn. */
  readonly isRecut: boolean;
  /** Since when T closes it; undefined when a fix does. */
  readonly silentSince: number | undefined;
  /** Newest fix of the fact: named when no record with a raw address caused it. */
  readonly fix: FixReference;
}

/** The envelope fields of a published version. */
export interface Causation {
  readonly cause: Cause;
  readonly providerTime: number;
  readonly receivedTime: number;
  readonly lateByS: number;
  readonly trace: RawAddress;
}

function lateByS(fix: FixReference): number {
  return Math.max(0, Math.floor(fix.latenessMs / 1000));
}

function byFix({ fix, receivedTime, isLate }: Arrival, change: Change): Causation {
  return {
    cause: isLate || change.isRecut ? 'late_fix' : 'live',
    providerTime: providerTimeOf(fix),
    receivedTime,
    lateByS: lateByS(fix),
    trace: fix.address,
  };
}

function byProgress(change: Change, to: number, receivedTime: number): Causation {
  const { fix } = change;
  return {
    cause: change.isRecut ? 'late_fix' : 'live',
    providerTime: to,
    receivedTime,
    lateByS: lateByS(fix),
    trace: fix.address,
  };
}

/**
 * Names the record behind a change: the progress that closed it by silence; else the last arrival that
 * bears on its range; else the tables; else whatever came last. Batch borders can move this choice,
 * never the facts themselves.
 */
export function causationOf(change: Change, occasion: Occasion): Causation {
  const { arrivals, progress, binding } = occasion;
  const { silentSince, fix } = change;
  if (silentSince !== undefined && progress !== undefined && progress.from < silentSince) {
    return byProgress(change, progress.to, progress.receivedTime);
  }
  const bearing = arrivals.findLast(
    (arrival) => arrival.fix.time >= change.from && arrival.fix.time <= change.to,
  );
  if (bearing !== undefined) return byFix(bearing, change);
  if (binding !== undefined) {
    return {
      cause: 'late_binding',
      providerTime: binding.changedTime,
      receivedTime: binding.changedTime,
      lateByS: 0,
      trace: fix.address,
    };
  }
  const last = arrivals.at(-1);
  if (last !== undefined) return byFix(last, change);
  return byProgress(change, progress?.to ?? providerTimeOf(fix), progress?.receivedTime ?? 0);
}
