import { planLate, type Moved } from './late-plan.ts';
import { malformedBody, malformedKinds, type MalformedKind } from './malformed.ts';
import { createRandom, type Random } from './random.ts';
import { registrationsOf, unitIdsOf, type Recording, type Registration } from './recording.ts';
import {
  epochSeconds,
  windowOf,
  type Scenario,
  type ScenarioAccount,
  type SessionExpiry,
} from './scenario.ts';

/** One deviation from the plain recording. Times are epoch seconds. */
export type TroubleOperation =
  | {
      readonly op: 'repeat' | 'late' | 'held_back' | 'beyond';
      readonly account: string;
      /** 0-based row of the track's CSV. */
      readonly row: number;
      /** repeat: registered once more at rt; the others: registered at rt instead. */
      readonly rt: number;
    }
  | {
      readonly op: 'future';
      readonly account: string;
      /** Unit item id. */
      readonly unit: number;
      readonly t: number;
      readonly lat: number;
      readonly lon: number;
      readonly rt: number;
    }
  | {
      readonly op: 'malformed';
      readonly account: string;
      readonly unit: number;
      readonly kind: MalformedKind;
      /** Where the message stands in intervals, whatever its body says. */
      readonly t: number;
      readonly rt: number;
      /** Served in place of a message. */
      readonly body: unknown;
    }
  | ({ readonly op: 'expire_session' } & SessionExpiry);

/** Everything that goes wrong in a run; pure data, shared with the independent expectation as JSON. */
export interface TroublePlan {
  readonly seed: number;
  readonly scenario: string;
  readonly operations: readonly TroubleOperation[];
}

/** 2099-01-01T00:00:00Z: a tracker whose clock was never set. */
export const FUTURE_TIME = 4_070_908_800;
const BEYOND_GRACE_S = 8 * 3600;
/** Repeats and late messages stay within the tenants' grace of 6 h with a margin. */
const MAX_LATENESS_S = 5.75 * 3600;
/** Anchors of new trouble are ordinary fixes, not those that the recording itself delivers hours late. */
const ORDINARY_LATENESS_S = 3600;

interface AccountPlan {
  readonly account: ScenarioAccount;
  readonly base: number;
  readonly cut: number;
  /** All fixes served without trouble. */
  readonly all: readonly Registration[];
  /** Those registered inside the window: the shares refer to them. */
  readonly inWindow: readonly Registration[];
  readonly vehicles: ReadonlyMap<string, number>;
  /** Rows whose registration some operation moved, with their new registration time. */
  readonly moved: Map<number, Moved>;
}

function accountPlan(
  scenario: Scenario,
  account: ScenarioAccount,
  recording: Recording,
): AccountPlan {
  const { base, cut } = windowOf(scenario, account);
  const all = registrationsOf(scenario, account, recording);
  const vehicles = unitIdsOf(account, recording);
  const inWindow = all.filter(({ rt }) => rt > base);
  return { account, base, cut, all, inWindow, vehicles, moved: new Map() };
}

function planHeldBack(scenario: Scenario, plan: AccountPlan): void {
  const { held_back: held } = scenario.trouble;
  if (held === undefined || held.account !== plan.account.account) return;
  const unitId = plan.vehicles.get(held.vehicle_id);
  const [from, to, rt] = [held.trip_from, held.trip_to, held.arrives].map(epochSeconds);
  for (const fix of plan.all) {
    if (fix.unitId !== unitId || fix.t < (from ?? 0) || fix.t > (to ?? 0)) continue;
    if (fix.rt < (rt ?? 0)) plan.moved.set(fix.row, { op: 'held_back', rt: rt ?? 0 });
  }
}

/** Spreads `count` over the accounts in turn; an account without candidates passes its turn on. */
function inTurn(
  plans: readonly AccountPlan[],
  count: number,
  take: (plan: AccountPlan) => boolean,
): void {
  let turn = 0;
  let refused = 0;
  for (let placed = 0; placed < count && refused < plans.length; turn++) {
    const plan = plans[turn % plans.length];
    if (plan !== undefined && take(plan)) {
      placed++;
      refused = 0;
    } else refused++;
  }
}

const isOrdinary = (fix: Registration): boolean => fix.rt - fix.t <= ORDINARY_LATENESS_S;

function planBeyond(plans: readonly AccountPlan[], count: number, random: Random): void {
  const candidates = new Map(
    plans.map((plan) => {
      const arriving = plan.all.filter(
        ({ rt }) => rt + BEYOND_GRACE_S > plan.base && rt + BEYOND_GRACE_S <= plan.cut,
      );
      return [plan, random.shuffled(arriving.filter(isOrdinary))];
    }),
  );
  inTurn(plans, count, (plan) => {
    for (let fix = candidates.get(plan)?.pop(); fix !== undefined;) {
      if (!plan.moved.has(fix.row)) {
        plan.moved.set(fix.row, { op: 'beyond', rt: fix.rt + BEYOND_GRACE_S });
        return true;
      }
      fix = candidates.get(plan)?.pop();
    }
    return false;
  });
}

function planRepeats(plan: AccountPlan, share: number, random: Random): TroubleOperation[] {
  const wanted = Math.round(share * plan.inWindow.length);
  const repeats: TroubleOperation[] = [];
  for (const fix of random.shuffled(plan.inWindow)) {
    if (repeats.length >= wanted) break;
    const moved = plan.moved.get(fix.row);
    if (moved !== undefined && moved.op !== 'late') continue;
    const rt = (moved?.rt ?? fix.rt) + random.integer(10, 1800);
    if (rt > plan.cut || rt - fix.t > MAX_LATENESS_S) continue;
    repeats.push({ op: 'repeat', account: plan.account.account, row: fix.row, rt });
  }
  return repeats;
}

function movedOperations(plan: AccountPlan): TroubleOperation[] {
  const account = plan.account.account;
  return [...plan.moved].map(([row, { op, rt }]) => ({ op, account, row, rt }));
}

/** An ordinary fix of the window beside which a made-up message is registered. */
function anchor(plan: AccountPlan, random: Random): Registration {
  return random.pick(plan.inWindow.filter((fix) => isOrdinary(fix) && fix.rt + 20 <= plan.cut));
}

function planMalformed(
  plans: readonly AccountPlan[],
  perKind: number,
  random: Random,
): TroubleOperation[] {
  const operations: TroubleOperation[] = [];
  const kinds = malformedKinds.flatMap((kind) => Array.from({ length: perKind }, () => kind));
  let next = 0;
  inTurn(plans, kinds.length, (plan) => {
    const kind = kinds[next];
    if (kind === undefined) return false;
    next++;
    const { unitId: unit, t, rt, lat, lon } = anchor(plan, random);
    const broken = { t: t + 1, rt: rt + random.integer(1, 20), lat, lon };
    const body = malformedBody(kind, broken);
    const account = plan.account.account;
    operations.push({ op: 'malformed', account, unit, kind, t: broken.t, rt: broken.rt, body });
    return true;
  });
  return operations;
}

function planFuture(
  plans: readonly AccountPlan[],
  count: number,
  random: Random,
): TroubleOperation[] {
  const operations: TroubleOperation[] = [];
  inTurn(plans, count, (plan) => {
    const { unitId: unit, rt, lat, lon } = anchor(plan, random);
    const account = plan.account.account;
    operations.push({ op: 'future', account, unit, t: FUTURE_TIME, lat, lon, rt: rt + 5 });
    return true;
  });
  return operations;
}

/**
 * Plans the trouble of a run: a pure function of scenario, recordings (by track) and seed. One row is
 * moved by at most one operation; rows held back or beyond grace are not repeated.
 */
export function planTrouble(
  scenario: Scenario,
  recordings: ReadonlyMap<string, Recording>,
  seed: number,
): TroublePlan {
  const { trouble } = scenario;
  const random = createRandom(seed);
  const recorded = scenario.accounts.filter(({ fleet }) => fleet === undefined);
  const plans = recorded.map((account) => {
    const recording = recordings.get(account.track);
    if (recording === undefined) throw new Error(`no recording for track ${account.track}`);
    return accountPlan(scenario, account, recording);
  });
  for (const plan of plans) planHeldBack(scenario, plan);
  planBeyond(plans, trouble.beyond_grace, random);
  for (const plan of plans) {
    planLate({ ...plan, share: trouble.late_share, maxLatenessS: MAX_LATENESS_S, random });
  }
  const repeats = plans.flatMap((plan) => planRepeats(plan, trouble.repeat_share, random));
  return {
    seed,
    scenario: scenario.name,
    operations: [
      ...plans.flatMap(movedOperations),
      ...repeats,
      ...planMalformed(plans, trouble.malformed_per_kind, random),
      ...planFuture(plans, trouble.future, random),
      ...trouble.expire_session.map((expiry) => ({ op: 'expire_session' as const, ...expiry })),
    ],
  };
}
