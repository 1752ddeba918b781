import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testNamespace, testStack } from '@waybill/testkit';
import type { PlannedFault } from '../demo/faults.ts';
import { playScenario, type RunResult } from '../demo/run.ts';
import { readScenario, type Scenario } from '@waybill/wialon-twin';
import { startSystem, type System } from '../demo/system.ts';
import { gatherReport, type Report } from '../demo/report.ts';
import { judge, type Verdict } from '../demo/verdict.ts';

export interface Finished {
  readonly system: System;
  readonly scenario: Scenario;
  readonly result: RunResult;
  readonly verdict: Verdict;
  readonly report: Report;
}

/** Plays a scenario on the test stack in its own namespace and hands the finished system to `look`. */
export async function runOnce(
  options: {
    readonly scenario: string;
    readonly seed: number;
    readonly speed: number;
    readonly faults?: readonly PlannedFault[];
    readonly env?: Readonly<Record<string, string>>;
  },
  look: (finished: Finished) => Promise<void>,
): Promise<void> {
  const scenario = readScenario(options.scenario);
  const stack = await testStack();
  const dir = mkdtempSync(join(tmpdir(), 'waybill-run-'));
  let system: System | undefined;
  let keep = true;
  try {
    system = await startSystem({
      stack,
      scenario,
      seed: options.seed,
      speed: options.speed,
      dir,
      namespace: testNamespace(),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const result = await playScenario({
      system,
      scenario,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    });
    const verdict = await judge(system, scenario);
    const { seed, speed } = options;
    const report = await gatherReport(system, {
      seed,
      speed,
      scenario: scenario.name,
      result,
      verdict,
      baseline: new Map(),
    });
    await look({ system, scenario, result, verdict, report });
    keep = false;
  } finally {
    await system?.stop();
    await stack.stop();
    // A failed run keeps its logs: they are what one needs then.
    if (keep) console.error(`logs of the failed run: ${join(dir, 'logs')}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}
