import { readFileSync } from 'node:fs';
import { call } from './http.ts';
import { type Dispatch, startDispatch } from './dispatch.ts';
import { elapsedOf, injectDue, type PlannedFault } from './faults.ts';
import { untilQuiet } from './quiet.ts';
import type { Scenario } from '@waybill/wialon-twin';
import { type Step, stepsOf, unitOfVehicle } from './scenario.ts';
import type { System } from './system.ts';

export interface RunOptions {
  readonly system: System;
  readonly scenario: Scenario;
  readonly faults?: readonly PlannedFault[];
  readonly interrupted?: AbortSignal;
  /** Called a few times a second while the data clock runs. */
  readonly onTick?: (elapsed: number) => void;
  readonly onStep?: (step: Step, waitedMs: number) => void;
}

/** What happened while the recording ran. */
export interface RunResult {
  readonly dispatch: Dispatch['counts'];
  /** Answer to a forged webhook. */
  readonly forgedStatus: number;
  /** Wall time from the release of the clock to the last commit, in seconds. */
  readonly seconds: number;
  /** Faults that were injected. */
  readonly faults: number;
}

/** Closes a business day in the tenant's ERP, at the data time of its closing. */
async function closePeriod(system: System, step: Extract<Step, { kind: 'close' }>): Promise<void> {
  const file = `${system.tenantsDir}/${step.tenant}/erp/close.sql`;
  await system.erp
    .get(step.tenant)
    ?.query(readFileSync(file, 'utf8').replaceAll('$DATE', step.date));
}

/** The operator maps the unit that idmap.csv does not know. */
async function mapVehicle(system: System, scenario: Scenario, vehicle: string): Promise<void> {
  const { tenant } = scenario.unmapped;
  await call(`${system.url('console')}/mappings`, {
    tenant,
    entity: 'vehicle',
    telematics_id: unitOfVehicle(scenario, tenant, vehicle),
    intervals: [{ erp_id: `TRK-${vehicle}`, valid_from: null, valid_to: null }],
  });
}

/** Instant of each account's clock, `elapsed` seconds into the recording. */
function targetAt(scenario: Scenario, elapsed: number): ReadonlyMap<string, number> {
  return new Map(
    scenario.accounts.map((a) => [a.account, Date.parse(a.base_time) + elapsed * 1000]),
  );
}

async function retrying(what: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await what();
    } catch (error) {
      if (attempt > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/**
 * Plays the recording. At each step the data clock stands until everything registered so far has
 * reached the ERP; then the step is carried out. So what a closed day holds follows from registration
 * times alone, at any speed and through any fault.
 */
export async function playScenario(options: RunOptions): Promise<RunResult> {
  const { system, scenario } = options;
  const dispatch = startDispatch(system, scenario);
  const started = performance.now();
  let faults = options.faults ?? [];
  const planned = faults.length;
  let forgedStatus = 0;
  // The first read: the account is live from the moment at which it is complete.
  await untilQuiet(system, targetAt(scenario, 0));
  for (const step of stepsOf(scenario)) {
    await call(`${system.twinUrl}/twin/clock`, { hold_at_s: step.at });
    for (;;) {
      system.failed.throwIfAborted();
      options.interrupted?.throwIfAborted();
      const { elapsed, held } = await elapsedOf(system);
      faults = injectDue(system, faults, elapsed);
      void dispatch.advance(elapsed).catch(() => undefined);
      options.onTick?.(elapsed);
      if (held && elapsed >= step.at) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await dispatch.advance(step.at);
    const waiting = performance.now();
    await untilQuiet(system, targetAt(scenario, step.at));
    options.onStep?.(step, performance.now() - waiting);
    if (step.kind === 'close') await closePeriod(system, step);
    if (step.kind === 'map') {
      await retrying(() => mapVehicle(system, scenario, step.vehicle));
      forgedStatus = await dispatch.forge().catch(() => 0);
    }
  }
  return {
    dispatch: dispatch.counts,
    forgedStatus,
    seconds: (performance.now() - started) / 1000,
    faults: planned - faults.length,
  };
}
