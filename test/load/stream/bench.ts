import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createPool } from '@waybill/postgres';
import { startStack, type Stack } from '@waybill/stack';
import { connectAdmin, connectStreams, type StreamAdmin, type Streams } from '@waybill/stream';
import { detectorShaped } from './case-detector.ts';
import { commonCases, type Bench, type Case } from './cases.ts';
import { logger } from './log.ts';
import { machineName } from '../measure.ts';
import { tableOf, type Line } from '../report.ts';
import { peersOf } from './peers.ts';
import { DEFAULT_WORKLOAD } from './workload.ts';

const cases: Readonly<Record<string, Case>> = { ...commonCases, 'detector-shaped': detectorShaped };
const caseNames = Object.keys(cases);

const NAMESPACE = 'bench-';
/** A sample with a vehicle id of no letters, framed. */
const VALUE_BYTES_WITHOUT_ID = 47;

const options = {
  events: { type: 'string', default: '1000000' },
  warmup: { type: 'string', default: '150000' },
  repeat: { type: 'string', default: '1' },
  keys: { type: 'string', default: '10000' },
  'value-bytes': { type: 'string', default: '62' },
  seed: { type: 'string', default: '42' },
  partitions: { type: 'string', default: '8' },
  units: { type: 'string', default: '1000' },
  fixes: { type: 'string', default: '432' },
  profile: { type: 'string' },
  peers: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const USAGE = `npm run bench -- stream [case …] [options]

  cases      ${caseNames.join(' ')}   (default: all)
  --events       events that are timed            (default 1000000)
  --warmup       events before the clock starts   (default 150000)
  --repeat       runs of each case; the line shows the median   (default 1)
  --keys         vehicles                         (default 10000)
  --value-bytes  size of a framed sample          (default 62)
  --partitions   of every topic                   (default 8)
  --seed         of the generated log             (default 42)
  --units        of detector-shaped               (default 1000; full size 10000)
  --fixes        packed fixes of each unit        (default 432; full size 4320)
  --profile      folder for a CPU profile (V8) of each client
  --peers        the same cases with the peers of ../shared/peers on the same broker, and a table
`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} must be a whole number`);
  return value;
}

function speedOf(line: object): number {
  return 'events_per_s' in line ? Number(line.events_per_s) : 0;
}

/** The run with the median speed, and the spread of all. */
function median(lines: readonly object[]): object {
  const sorted = lines.toSorted((a, b) => speedOf(a) - speedOf(b));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? {};
  if (lines.length < 2) return middle;
  const speeds = sorted.map(speedOf);
  return {
    ...middle,
    runs: lines.length,
    min_events_per_s: speeds[0],
    max_events_per_s: speeds.at(-1),
  };
}

async function open(stack: Stack): Promise<{
  readonly admin: StreamAdmin;
  readonly streams: Streams;
  readonly connection: Bench['connection'];
}> {
  const brokerPid = stack.pids['kafka'];
  if (brokerPid === undefined) throw new Error('expected the stack to have started a broker');
  const connection = {
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    namespace: NAMESPACE,
    databaseUrl: await stack.createDatabase('bench'),
    brokerPid,
  };
  const { brokers, registryUrl, namespace } = connection;
  const streamOptions = { brokers, registryUrl, namespace, clientId: 'bench', logger };
  return {
    connection,
    admin: await connectAdmin(streamOptions),
    streams: await connectStreams(streamOptions),
  };
}

/** `npm run bench -- stream`: runs cases of the stream core, each client in a process of its own. */
export async function streamBench(
  args: readonly string[],
  print: (line: object) => void,
): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const unknown = positionals.filter((name) => !(name in cases));
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `unknown: ${unknown.join(' ')}\n${USAGE}` : USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const wanted = positionals.length > 0 ? positionals : caseNames;
  const dir = mkdtempSync(join(tmpdir(), 'waybill-bench-'));
  const log = (line: string): void => console.error(line);
  const stack = await startStack({ dir, log });
  try {
    const { admin, streams, connection } = await open(stack);
    const database = createPool(connection.databaseUrl, { applicationName: 'bench', max: 1 });
    await database.query('create schema if not exists bench');
    const repeat = positive('repeat', values.repeat);
    const valueBytes = positive('value-bytes', values['value-bytes']);
    const bench: Bench = {
      connection,
      admin,
      streams,
      database,
      log,
      dir,
      clientArguments:
        values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
      units: positive('units', values.units),
      fixesPerUnit: positive('fixes', values.fixes),
      partitions: positive('partitions', values.partitions),
      warmup: positive('warmup', values.warmup),
      events: positive('events', values.events),
      workload: {
        ...DEFAULT_WORKLOAD,
        vehicles: positive('keys', values.keys),
        seed: positive('seed', values.seed),
        idLength: valueBytes - VALUE_BYTES_WITHOUT_ID,
      },
    };
    const lines: Line[] = [];
    const tell = (line: object): void => {
      const whole = { bench: 'stream', ...line, machine: machineName() };
      lines.push(whole);
      print(whole);
    };
    for (const name of wanted) {
      const runs: object[] = [];
      for (let run = 1; run <= repeat; run += 1) {
        log(`${name}, run ${run}`);
        // `wanted` holds names of cases only.
        runs.push((await cases[name]?.(bench, `${name.replaceAll('-', '_')}_${run}`)) ?? {});
      }
      tell({ case: name, ...median(runs) });
      if (!values.peers) continue;
      for (const { runs: theirs, ...peer } of await peersOf(name, {
        stack,
        bench,
        repeat,
        valueBytes,
      })) {
        tell({ ...median(theirs), case: name, ...peer });
      }
    }
    if (values.peers) log(tableOf(lines));
    await database.end();
    await streams.close();
    await admin.close();
  } finally {
    await stack.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
