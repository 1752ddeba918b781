import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { topics } from '@waybill/contracts';
import { startStack } from '@waybill/stack';
import { call } from '../demo/http.ts';
import { readScenario } from '@waybill/wialon-twin';
import { startSystem, type System } from '../demo/system.ts';

interface Sample {
  readonly at: number;
  readonly positions: number;
  /** Records between the detector's position and the end of its input. */
  readonly lag: number;
}

async function sampleOf(system: System): Promise<Sample> {
  const ends = await system.admin.ends([topics.position]);
  const health = await call<{ positions: { topic: string; partition: number; next: string }[] }>(
    `${system.url('detector')}/health`,
  );
  const metrics = await (await fetch(`${system.url('detector')}/metrics`)).text();
  const line = /^stream_records_received_total\{[^}]*fleet\.position[^}]*\} (\d+)/m.exec(metrics);
  let lag = 0;
  for (const { topic, partition, next } of health.positions) {
    lag += Number((ends.get(`${topic}/${partition}`) ?? 0n) - BigInt(next));
  }
  return { at: performance.now(), positions: Number(line?.[1] ?? 0), lag: Math.max(0, lag) };
}

/** The looped recording runs into days that the demo's ERPs have no calendar for. */
async function openPeriods(system: System): Promise<void> {
  const days = (first: string): string =>
    `select day::date from generate_series('${first}'::date, '${first}'::date + 400, '1 day') as day`;
  await system.erp
    .get('bay-cabs')
    ?.query(`insert into erp.period (business_date) ${days('2008-05-15')} on conflict do nothing`);
  await system.erp
    .get('hudson-waste')
    ?.query(
      `insert into fleetops.gl_calendar (gl_day) ${days('2015-12-05')} on conflict do nothing`,
    );
}

/**
 * The recording in a loop through the whole system on this machine for `--seconds`, with all trouble on.
 * Reports positions per second through the detector, the lag at half-time and at the end, CPU per
 * position and peak memory of every service.
 */
export async function endToEnd(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '120' },
      speed: { type: 'string', default: '40000' },
      seed: { type: 'string', default: '7' },
    },
  });
  const dir = mkdtempSync(join(tmpdir(), 'waybill-load-'));
  const log = (line: string): void => console.error(line);
  const stack = await startStack({ dir: join(dir, 'stack'), log });
  try {
    const scenario = readScenario('demo');
    const system = await startSystem({
      stack,
      scenario,
      seed: Number(values.seed),
      speed: Number(values.speed),
      dir,
      namespace: 'load-',
      loop: true,
      onProgress: log,
    });
    try {
      await openPeriods(system);
      await call(`${system.twinUrl}/twin/clock`, { hold_at_s: null });
      // The first loop warms everything up; the clock of the measurement starts behind it.
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      const first = await sampleOf(system);
      const cpuBefore = new Map([...system.services].map(([name, s]) => [name, s.cpuSeconds()]));
      const samples: Sample[] = [first];
      const end = first.at + Number(values.seconds) * 1000;
      while (performance.now() < end) {
        system.failed.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 2000));
        samples.push(await sampleOf(system));
        const last = samples.at(-1);
        log(`${((performance.now() - first.at) / 1000).toFixed(0)} s, lag ${last?.lag} records`);
      }
      const last = samples.at(-1) ?? first;
      const half = samples[Math.floor(samples.length / 2)] ?? first;
      const positions = last.positions - first.positions;
      return {
        seconds: Math.round((last.at - first.at) / 1000),
        positions,
        positions_per_s: Math.round(positions / ((last.at - first.at) / 1000)),
        lag_records_half: half.lag,
        lag_records_end: last.lag,
        services: Object.fromEntries(
          [...system.services].map(([name, service]) => [
            name,
            {
              cpu_us_per_position: Math.round(
                ((service.cpuSeconds() - (cpuBefore.get(name) ?? 0)) * 1e6) /
                  Math.max(1, positions),
              ),
              peak_rss_mb: Math.round(service.peakRssBytes() / 1e6),
              restarts: service.restarts(),
            },
          ]),
        ),
      };
    } finally {
      await system.stop();
    }
  } finally {
    await stack.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
