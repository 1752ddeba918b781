/** `npm run demo`: the main job on recorded data, then a report. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TenantReport } from '@waybill/ledger';
import { type Stack, startStack } from '@waybill/stack';
import { readBaselines, startBaselines } from './baselines.ts';
import { call } from './http.ts';
import { createLive, type Live } from './live.ts';
import { type DemoOptions, readOptions, usage } from './options.ts';
import { renderReport } from './render.ts';
import { gatherReport, type Report } from './report.ts';
import { playScenario } from './run.ts';
import { readScenario } from '@waybill/wialon-twin';
import type { Step } from './scenario.ts';
import { startSystem, type System } from './system.ts';
import { stayUp } from './stay-up.ts';
import { judge } from './verdict.ts';
import { renderWhy } from './why.ts';

const EXIT_WRONG = 1;
const EXIT_USAGE = 2;
const EXIT_CONFIGURATION = 78;
const DYING_MS = 2000;

function describeStep(step: Step, waitedMs: number): string {
  const waited = `caught up in ${(waitedMs / 1000).toFixed(1)} s`;
  switch (step.kind) {
    case 'close':
      return `${step.tenant}: the ERP closes ${step.date} (${waited})`;
    case 'map':
      return `${step.tenant}: the operator maps ${step.vehicle} (${waited})`;
    case 'end':
      return `the recording is over (${waited})`;
  }
}

/** Asks the reconciler for live counters now and then; the demo goes on when it does not answer. */
function liveCounters(system: System, live: Live): (elapsed: number) => void {
  let counters = '';
  let asking = false;
  let asked = 0;
  return (elapsed) => {
    if (!asking && performance.now() - asked > 1500) {
      asking = true;
      asked = performance.now();
      call<{ tenants: readonly TenantReport[] }>(`${system.url('reconciler')}/report`)
        .then(({ tenants }) => {
          const total = (field: (report: TenantReport) => number): number =>
            tenants.reduce((sum, report) => sum + field(report), 0);
          counters =
            `${total((r) => r.positions.distinct)} positions, ${total((r) => r.trips.current)} trips, ` +
            `${total((r) => r.site_visits.current)} visits, ${total((r) => r.waiting)} parked, ` +
            `${total((r) => r.positions.repeats)} repeats`;
        })
        .catch(() => undefined)
        .finally(() => {
          asking = false;
        });
    }
    const hours = Math.floor(elapsed / 3600);
    const minutes = String(Math.floor((elapsed % 3600) / 60)).padStart(2, '0');
    live.status(`recording ${hours}:${minutes} h  ${counters}`);
  };
}

/** A server that dies breaks connections a moment before its end is known; its reason is the better one. */
async function reasonOf(error: unknown, broken: AbortSignal): Promise<unknown> {
  // A timer that holds the process: by now nothing else may, and node would end without a word.
  await delay(DYING_MS, undefined, { signal: broken }).catch(() => undefined);
  return broken.aborted ? broken.reason : error;
}

interface Run {
  readonly options: DemoOptions;
  readonly live: Live;
  readonly interrupted: AbortSignal;
}

/** Plays the recording into a running system, prints the report, stays up if wished. */
async function play(run: Run, system: System, stack: Stack): Promise<Report> {
  const { options, live, interrupted } = run;
  const { seed, speed } = options;
  const scenario = readScenario(options.scenario);
  const baselines = await startBaselines(system, stack, scenario);
  try {
    live.line('the recording runs');
    const result = await playScenario({
      system,
      scenario,
      interrupted,
      onTick: liveCounters(system, live),
      onStep: (step, waitedMs) => live.line(describeStep(step, waitedMs)),
    });
    await baselines.stop();
    const verdict = await judge(system, scenario);
    const baseline = await readBaselines(baselines, verdict.expectation);
    const judged = { seed, speed, scenario: scenario.name, result, verdict, baseline };
    const report = await gatherReport(system, judged);
    live.end();
    if (options.json) {
      process.stdout.write(`${JSON.stringify(report)}\n`);
    } else {
      process.stdout.write(`${renderReport(report)}\n${await renderWhy(system, scenario)}\n`);
    }
    if (!options.once) await stayUp(system, live, interrupted);
    return report;
  } finally {
    await baselines.stop();
  }
}

async function runDemo(run: Run): Promise<Report> {
  const { options, live, interrupted } = run;
  const { seed, speed } = options;
  const dir = mkdtempSync(join(tmpdir(), 'waybill-demo-'));
  const scenario = readScenario(options.scenario);
  live.line(`scenario ${scenario.name}, seed ${seed}, ${speed} times real speed`);
  const broken = new AbortController();
  const stack = await startStack({
    dir: join(dir, 'stack'),
    log: live.line,
    onEnd: (name, how) => broken.abort(new Error(`${name} ended (${how})`)),
    signal: interrupted,
  }).catch((error: unknown) => {
    if (interrupted.aborted) rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  let keepLogs = true;
  try {
    const system = await startSystem({
      ...{ stack, scenario, seed, speed, dir, namespace: '', interrupted },
      onProgress: live.line,
      broken: broken.signal,
    });
    interrupted.addEventListener('abort', () => live.line('stopping'), { once: true });
    try {
      const report = await play(run, system, stack);
      keepLogs = !report.right;
      return report;
    } finally {
      await system.stop();
    }
  } catch (error) {
    throw interrupted.aborted ? error : await reasonOf(error, broken.signal);
  } finally {
    await stack.stop();
    if (keepLogs && !interrupted.aborted) {
      live.line(`logs: ${join(dir, 'logs')}, those of the stack in ${join(dir, 'stack')}`);
    } else rmSync(dir, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  let options: DemoOptions | 'help';
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}; see --help\n`);
    return EXIT_USAGE;
  }
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const live = createLive();
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => interruption.abort(new Error('interrupted')));
  }
  try {
    const report = await runDemo({ options, live, interrupted: interruption.signal });
    return report.right ? 0 : EXIT_WRONG;
  } catch (error) {
    if (interruption.signal.aborted) return 130;
    live.end();
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    const misconfigured =
      typeof error === 'object' &&
      error !== null &&
      'kind' in error &&
      error.kind === 'misconfigured';
    return misconfigured ? EXIT_CONFIGURATION : EXIT_WRONG;
  }
}

process.exitCode = await main();
