import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { readCommandLine, usage, UsageError, type CommandLine } from './options.ts';
import { madeUpFleets } from './made-up.ts';
import { ownTracks } from './own-tracks.ts';
import { readFaultScript } from './faults/script-file.ts';
import { readScenario, type Scenario } from './scenario.ts';
import { startTwin } from './twin.ts';

const PARENT_CHECK_MS = 1000;

/** Stops a twin whose parent died without a signal, so that no run leaves a process behind. */
function watchParent(stop: () => void): void {
  const parent = Number(process.env['WAYBILL_PARENT_PID'] ?? 0);
  if (!Number.isInteger(parent) || parent <= 0) return;
  setInterval(() => {
    try {
      process.kill(parent, 0);
    } catch {
      stop();
    }
  }, PARENT_CHECK_MS).unref();
}

// Polls of a fast clock allocate in bursts, for which V8 would keep 30 MB more than the twin needs.
setFlagsFromString('--semi-space-growth-factor=1');

const YEAR_S = 31_536_000;

/** What runs: own recordings, a made-up fleet, or a scenario file. */
function scenarioOf({ scenario, tracks, live, ...line }: CommandLine): Scenario {
  const nowS = Math.floor(Date.now() / 1000);
  if (tracks !== undefined) return ownTracks({ folder: tracks, startAt: live ? nowS : undefined });
  const { units, everyS, historyS } = line;
  if (units === undefined) return readScenario(scenario);
  const baseTime = live ? new Date(nowS * 1000).toISOString() : '2025-01-06T00:00:00Z';
  const fleet = { units, every_s: everyS, history_s: historyS };
  return madeUpFleets({ accounts: ['fleet'], fleet, baseTime, durationS: YEAR_S });
}

/** Notifications of all accounts go to `url`. */
function pushing(scenario: Scenario, url: string | undefined): Scenario {
  if (url === undefined) return scenario;
  const accounts = scenario.accounts.map((account) => ({
    ...account,
    equipment: 'full' as const,
    push_url: url,
  }));
  return { ...scenario, accounts };
}

async function main(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2));
  if (line.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const { troubleOut, faults, push, ips, ...options } = line;
  const scenario = pushing(scenarioOf(line), push);
  const twin = await startTwin({
    ...options,
    scenario,
    faults: faults === undefined ? [] : readFaultScript(faults),
    ...(ips !== undefined && { ips }),
  });
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= twin.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  watchParent(stop);
  // A reader that went away is no reason to fail: the twin serves its clients, not its output.
  process.stdout.on('error', () => undefined);
  if (troubleOut !== undefined) writeFileSync(troubleOut, `${JSON.stringify(twin.plan)}\n`);
  process.stdout.write(`${JSON.stringify({ port: twin.port })}\n`);
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const isUsage = error instanceof UsageError;
  process.stderr.write(`twin: ${message}${isUsage ? '; --help lists the options' : ''}\n`);
  process.exit(isUsage ? 64 : 1);
}
