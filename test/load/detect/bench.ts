import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startStack, type Stack } from '@waybill/stack';
import { machineName } from '../measure.ts';
import { hasPeers, runPeer } from '../peers.ts';

const cases = ['core', 'late', 'service', 'service-late', 'memory'] as const;
type CaseName = (typeof cases)[number];

const options = {
  units: { type: 'string' },
  'fill-rounds': { type: 'string', default: '432' },
  rounds: { type: 'string', default: '600' },
  zones: { type: 'string', default: '1000' },
  late: { type: 'string', default: '5' },
  partitions: { type: 'string', default: '8' },
  profile: { type: 'string' },
  peers: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const USAGE = `npm run bench -- detect [case …] [options]

  core          the pure part alone, in order and with late fixes; CPU time
  late          the same part: what a late fix costs, in ordinary ones, each late by itself and stored in gaps
  service       the detector on the local Kafka, exactly once, all rules on; then restarts, warm and cold
  service-late  the same service: what a late fix costs, in ordinary ones
  memory        resident memory and start of the service with the grace full

  --units        vehicles, one fix per 5 s each, 30 % moving   (default 1000; memory: 10000)
  --fill-rounds  fixes of each before the clock starts         (default 432; full size 4440 = 6 h and margin)
  --rounds       fixes of each that are timed                  (default 600)
  --zones        (default 1000)   --late  per cent (default 5)   --partitions  (default 8)
  --profile      folder for a CPU profile (V8)
  --peers        the windowed aggregation of Kafka Streams from ../shared/peers on the same broker
`;

const scripts = new URL('../../../services/detector/src/testing/', import.meta.url);

interface Setting {
  readonly units: number;
  /** Undefined where the case decides. */
  readonly givenUnits: number | undefined;
  readonly fill: number;
  readonly rounds: number;
  readonly zones: number;
  readonly late: number;
  readonly partitions: number;
  readonly nodeArguments: readonly string[];
}

/** Runs a script of the detector in a process of its own; its last line is the result. */
async function runScript<T = object>(
  name: 'bench-core.ts' | 'bench-service.ts' | 'bench-memory.ts',
  order: object,
  nodeArguments: readonly string[] = [],
): Promise<T> {
  const file = fileURLToPath(new URL(name, scripts));
  const child = spawn(process.execPath, [...nodeArguments, file, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as T;
}

function fleet({ units, zones }: Setting): object {
  const moving = { everyS: 5, moving: 0.3, latestS: 7200, hasSignals: true };
  return { tenantId: 'bench', units, zones, ...moving };
}

/** Until the grace of six hours is full, so that what leaves it is part of the work; V8 compiles meanwhile. */
const CORE_WARMUP_ROUNDS = 4440;

/** See bench-core. */
interface CoreResult {
  readonly cpu_us_per_fix: number;
  readonly fixes_per_cpu_s: number;
  readonly fastest_part_us: number;
}

/** Share of late fixes, 0 to 1; stored: all of a gap at once, else each late by itself. */
interface Lateness {
  readonly late: number;
  readonly isStored?: boolean;
}

/** Beside `--late`, at which two of one unit hardly ever come in a call when each is late by itself. */
const OFTEN_LATE = 0.2;

/** Vehicles and timed parts of the case `core`. */
const CORE_TIMED = { units: 200, parts: 3 };

/** In memory the fleets are small: what is measured is the work per fix, not the cache of the machine. */
async function core(
  { rounds, nodeArguments, ...setting }: Setting,
  timed: {
    readonly fleets: readonly Lateness[];
    readonly units: number;
    readonly parts: number;
  },
): Promise<CoreResult[]> {
  const units = Math.min(setting.units, timed.units);
  const sized = fleet({ ...setting, rounds, nodeArguments, units });
  const { fleets, parts } = timed;
  const order = { ...sized, fleets, parts, warmup: CORE_WARMUP_ROUNDS, rounds, roundsPerTurn: 8 };
  return runScript('bench-core.ts', order, ['--expose-gc', ...nodeArguments]);
}

/**
 * The cost of a late fix in ordinary ones: fleets in one process take turns, so that all are measured on
 * the same code, as warm, and on a machine as fast. An ordinary fix is one of the fleet in which none is late.
 */
async function lateCost(setting: Setting): Promise<object> {
  const late = [setting.late, OFTEN_LATE].flatMap((share) => [
    { late: share, isStored: true },
    { late: share, isStored: false },
  ]);
  const fleets: readonly Lateness[] = [{ late: 0 }, ...late];
  const [none, ...results] = await core(setting, { fleets, units: 100, parts: 8 });
  const plain = none?.cpu_us_per_fix ?? 0;
  const costs = late.map(({ late: share, isStored }, index) => [
    `${isStored ? 'stored' : 'single'}_${share * 100}_percent`,
    inOrdinary(plain, results[index]?.cpu_us_per_fix ?? 0, share),
  ]);
  return { ordinary_us: plain, ...Object.fromEntries(costs) };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** What a late fix costs when a share of all are late: what the fleet takes more, CPU µs, and in ordinary fixes. */
function inOrdinary(plain: number, mixed: number, share: number): object {
  const us = (mixed - plain * (1 - share)) / share;
  return { late_us: rounded(us), late_in_ordinary: rounded(us / plain) };
}

/** See bench-service. */
interface ServiceResult {
  readonly cpu_us_per_fix: number;
}

function service(stack: Stack, setting: Setting, late: number): Promise<ServiceResult> {
  const { fill, rounds, partitions, nodeArguments } = setting;
  return runScript('bench-service.ts', {
    ...fleet(setting),
    late,
    warmup: fill,
    rounds,
    partitions,
    nodeArguments,
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    namespace: `bench-${Date.now()}-`,
  });
}

const SERVICE_LATE_RUNS = 2;

/** What a late fix costs the whole process, each late by itself, in ordinary ones: runs without and with take turns. */
async function serviceLateCost(stack: Stack, setting: Setting): Promise<object> {
  let [plain, mixed] = [0, 0];
  for (let run = 0; run < SERVICE_LATE_RUNS; run += 1) {
    // One process at a time.
    // oxlint-disable-next-line eslint/no-await-in-loop
    plain += (await service(stack, setting, 0)).cpu_us_per_fix / SERVICE_LATE_RUNS;
    // oxlint-disable-next-line eslint/no-await-in-loop
    mixed += (await service(stack, setting, OFTEN_LATE)).cpu_us_per_fix / SERVICE_LATE_RUNS;
  }
  return { ordinary_us: rounded(plain), late: OFTEN_LATE, ...inOrdinary(plain, mixed, OFTEN_LATE) };
}

const FULL_UNITS = 10_000;
/** Six hours and the margin of one fix per 5 s, and a quarter of an hour that is not over. */
const FULL_ROUNDS = 4_616;
/** Two minutes as they come, then two minutes in one piece. */
const LIVE_ROUNDS = 24;
const BACKLOG_ROUNDS = 24;
/** Vehicles that are driven; each stands for several. */
const DISTINCT = 100;

function memory(stack: Stack, setting: Setting): Promise<object> {
  const { partitions, nodeArguments } = setting;
  return runScript('bench-memory.ts', {
    ...fleet({ ...setting, units: setting.givenUnits ?? FULL_UNITS }),
    late: 0,
    distinct: DISTINCT,
    warmup: FULL_ROUNDS,
    rounds: LIVE_ROUNDS,
    backlog: BACKLOG_ROUNDS,
    partitions,
    nodeArguments,
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    namespace: `bench-${Date.now()}-`,
  });
}

/** Starts the stack when the first case needs it. */
type OpenStack = () => Promise<Stack>;

const runs: Readonly<Record<CaseName, (open: OpenStack, setting: Setting) => Promise<object>>> = {
  core: async (_open, setting) => {
    // A process each: code that has seen no late fix is not measured as if it had.
    const [inOrder] = await core(setting, { ...CORE_TIMED, fleets: [{ late: 0 }] });
    const [mixed] = await core(setting, { ...CORE_TIMED, fleets: [{ late: setting.late }] });
    return {
      ...mixed,
      in_order_fixes_per_cpu_s: inOrder?.fixes_per_cpu_s,
      in_order_cpu_us_per_fix: inOrder?.cpu_us_per_fix,
      in_order_fastest_part_us: inOrder?.fastest_part_us,
    };
  },
  late: (_open, setting) => lateCost(setting),
  service: async (open, setting) => service(await open(), setting, setting.late),
  'service-late': async (open, setting) => serviceLateCost(await open(), setting),
  memory: async (open, setting) => memory(await open(), setting),
};

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} must be a whole number`);
  return value;
}

/** `npm run bench -- detect`: the detector, its pure part alone and as a service. */
export async function detectBench(
  args: readonly string[],
  print: (line: object) => void,
): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const wanted = cases.filter((name) => positionals.length === 0 || positionals.includes(name));
  const unknown = positionals.filter((name) => !cases.some((known) => known === name));
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `unknown: ${unknown.join(' ')}\n${USAGE}` : USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const setting: Setting = {
    units: wholeNumber('units', values.units ?? '1000'),
    givenUnits: values.units === undefined ? undefined : wholeNumber('units', values.units),
    fill: wholeNumber('fill-rounds', values['fill-rounds']),
    rounds: wholeNumber('rounds', values.rounds),
    zones: wholeNumber('zones', values.zones),
    late: wholeNumber('late', values.late) / 100,
    partitions: wholeNumber('partitions', values.partitions),
    nodeArguments:
      values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
  };
  const dir = mkdtempSync(join(tmpdir(), 'waybill-bench-'));
  let started: Promise<Stack> | undefined;
  const open: OpenStack = () =>
    (started ??= startStack({ dir, log: (line) => console.error(line) }));
  try {
    for (const name of wanted) {
      console.error(name);
      const line = await runs[name](open, setting);
      print({ bench: 'detect', case: name, units: setting.units, ...line, machine: machineName() });
    }
    if (values.peers && hasPeers()) {
      const sizes = [
        '--events',
        '1000000',
        '--warmup',
        '150000',
        '--vehicles',
        String(setting.units),
      ];
      for (const line of await runPeer(await open(), ['streams', 'windows-eos', ...sizes]))
        print(line);
    }
  } finally {
    await (await started)?.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
