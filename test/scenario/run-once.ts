import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testNamespace, testStack, type TestStack } from '@waybill/testkit';
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
  readonly stack: TestStack;
  readonly namespace: string;
  /** Judges again: what was done to the finished system should have changed nothing. */
  readonly judgeAgain: () => Promise<readonly string[]>;
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
  const namespace = testNamespace();
  const dir = mkdtempSync(join(tmpdir(), 'waybill-run-'));
  let running: System | undefined;
  let keep = true;
  try {
    const system = await startSystem({
      stack,
      scenario,
      seed: options.seed,
      speed: options.speed,
      dir,
      namespace,
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    running = system;
    const result = await playScenario({
      system,
      scenario,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    });
    const { seed, speed } = options;
    const run = { seed, speed, scenario: scenario.name, result, baseline: new Map() };
    const verdict = await judge(system, scenario);
    const report = await gatherReport(system, { ...run, verdict });
    const judgeAgain = async (): Promise<readonly string[]> => {
      const again = { ...run, verdict: await judge(system, scenario) };
      return (await gatherReport(system, again)).problems;
    };
    await look({ system, scenario, result, verdict, report, stack, namespace, judgeAgain });
    keep = false;
  } finally {
    await running?.stop();
    await stack.stop();
    // A failed run keeps its logs: they are what one needs then.
    if (keep) console.error(`logs of the failed run: ${join(dir, 'logs')}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}
