import type { Random } from './random.ts';
import type { Registration } from './recording.ts';

/** A registration that an operation moved to `rt`. */
export interface Moved {
  readonly op: 'late' | 'held_back' | 'beyond';
  readonly rt: number;
}

export interface LatePlan {
  readonly inWindow: readonly Registration[];
  /** Latest registration, epoch seconds. */
  readonly cut: number;
  /** Rows already moved; the late ones are added. */
  readonly moved: Map<number, Moved>;
  /** Late messages wanted, as a share of inWindow. */
  readonly share: number;
  /** Bound on registration minus device time, in seconds. */
  readonly maxLatenessS: number;
  readonly random: Random;
}

const MIN_DELAY_S = 60;
const MAX_DELAY_S = 5 * 3600;
const BURST_MIN = 4;
const BURST_MAX = 20;

/** Delays spread evenly over orders of magnitude: most are minutes, some are hours. */
function delay(random: Random, greatest: number): number {
  const ratio = greatest / MIN_DELAY_S;
  return Math.min(greatest, Math.round(MIN_DELAY_S * ratio ** random.next()));
}

/** The greatest delay that keeps this fix inside the cut and the lateness bound. */
function room(plan: LatePlan, fix: Registration): number {
  return Math.min(MAX_DELAY_S, plan.cut - fix.rt, fix.t + plan.maxLatenessS - fix.rt);
}

/** Fixes of one unit in device time: what a tracker keeps in its memory while it has no network. */
function byUnit(fixes: readonly Registration[]): Registration[][] {
  const units = new Map<number, Registration[]>();
  for (const fix of fixes) {
    const list = units.get(fix.unitId);
    if (list === undefined) units.set(fix.unitId, [fix]);
    else list.push(fix);
  }
  return [...units.values()].map((list) => list.sort((a, b) => a.t - b.t || a.row - b.row));
}

/**
 * One dead zone: consecutive fixes of a unit, all registered when the network is back. Undefined when
 * the place drawn has no room for one.
 */
function drawBurst(
  plan: LatePlan,
  unit: readonly Registration[],
  size: number,
): { readonly fixes: readonly Registration[]; readonly rt: number } | undefined {
  const start = plan.random.integer(0, Math.max(0, unit.length - size));
  const fixes = unit.slice(start, start + size);
  const last = Math.max(...fixes.map(({ rt }) => rt));
  // Every fix of the burst must bear the delay that the common registration time means for it.
  const greatest = Math.min(...fixes.map((fix) => room(plan, fix) + fix.rt)) - last;
  if (fixes.length < BURST_MIN || greatest < MIN_DELAY_S) return undefined;
  if (fixes.some(({ row }) => plan.moved.has(row))) return undefined;
  return { fixes, rt: last + delay(plan.random, greatest) };
}

/** Adds about half of the wanted late messages as bursts and the rest one by one to `plan.moved`. */
export function planLate(plan: LatePlan): void {
  const { random, moved } = plan;
  const wanted = Math.round(plan.share * plan.inWindow.length);
  const units = byUnit(plan.inWindow).filter((unit) => unit.length >= BURST_MIN);
  let placed = 0;
  // Bounded: a window that is too short or too full gives fewer bursts, singles then fill the share.
  for (let tries = 0; placed < wanted / 2 && tries < 20 * wanted && units.length > 0; tries++) {
    const size = Math.min(random.integer(BURST_MIN, BURST_MAX), wanted - placed);
    const burst = drawBurst(plan, random.pick(units), size);
    if (burst === undefined) continue;
    for (const { row } of burst.fixes) moved.set(row, { op: 'late', rt: burst.rt });
    placed += burst.fixes.length;
  }
  for (const fix of random.shuffled(plan.inWindow)) {
    if (placed >= wanted) break;
    const greatest = room(plan, fix);
    if (moved.has(fix.row) || greatest < MIN_DELAY_S) continue;
    moved.set(fix.row, { op: 'late', rt: fix.rt + delay(random, greatest) });
    placed++;
  }
}
