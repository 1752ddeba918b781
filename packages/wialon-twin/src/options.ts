import { parseArgs } from 'node:util';

/** The command line of the twin. */
export interface CommandLine {
  /** Only the usage is wanted. */
  readonly help: boolean;
  readonly scenario: string;
  readonly seed: number;
  readonly speed: number;
  readonly host: string;
  readonly port: number;
  readonly troubleOut: string | undefined;
  readonly loop: boolean;
  readonly startHeld: boolean;
  readonly sessionIdleS: number;
  readonly latencyMs: number;
  /** Folder of one's own recordings in place of a scenario. */
  readonly tracks: string | undefined;
  /** Recordings or the fleet start now and run in real time. */
  readonly live: boolean;
  /** A made-up fleet of this many units in place of a scenario. */
  readonly units: number | undefined;
  /** Seconds between two messages of a made-up unit. */
  readonly everyS: number;
  /** How long before the start the messages of a made-up fleet begin. */
  readonly historyS: number;
  /** File with a fault script. */
  readonly faults: string | undefined;
  readonly virtual: boolean;
  readonly push: string | undefined;
  /** host:port of a receiver of Wialon IPS 2. */
  readonly ips: { readonly host: string; readonly port: number } | undefined;
}

/** A command line that cannot be followed. */
export class UsageError extends Error {}

export const usage = `A Wialon server on your own machine. Prints {"port": …} when it listens; SIGINT or SIGTERM ends it.

usage: npm run twin -- [options]

what it serves (one of)
  --scenario <name|file>   demo (default), short, or a path ending in .json
  --tracks <folder>        your own recordings: every .csv or .csv.gz is an account
  --units <n>              a made-up fleet in account fleet
    --every-s <s>          seconds between two messages of a unit, default 5
    --history-s <s>        messages from before the start, default 0

when
  --live                   starts now, speed 1
  --clock real|virtual     virtual: stands until POST /twin/clock moves it; default real
  --speed <x>              seconds of data per second, default 2000; 1 when live or virtual
  --loop                   a recording starts again when it is over
  --start-held             waits at 0 for POST /twin/clock
  --seed <n>               of everything that is drawn, default 7

what goes wrong
  --faults <file.json>     a fault script, such as packages/wialon-twin/scenarios/faults.json
  --session-idle-s <s>     silence after which a session is gone, default 300
  --latency-ms <ms>        time that every call takes, default 3
  --trouble-out <file>     writes the trouble plan of the scenario

where
  --host <address>         default 127.0.0.1
  --port <n>               default 0: any free one
  --push <url>             notifications are posted there
  --ips <host:port>        every message is sent there by Wialon IPS 2.0

  --help                   this text
See README.md and CONTROL.md in packages/wialon-twin.`;

const spec = {
  help: { type: 'boolean', short: 'h', default: false },
  scenario: { type: 'string', default: 'demo' },
  seed: { type: 'string', default: '7' },
  speed: { type: 'string' },
  tracks: { type: 'string' },
  live: { type: 'boolean', default: false },
  units: { type: 'string' },
  'history-s': { type: 'string', default: '0' },
  'every-s': { type: 'string', default: '5' },
  clock: { type: 'string', default: 'real' },
  faults: { type: 'string' },
  push: { type: 'string' },
  ips: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '0' },
  'trouble-out': { type: 'string' },
  loop: { type: 'boolean', default: false },
  'start-held': { type: 'boolean', default: false },
  'session-idle-s': { type: 'string', default: '300' },
  'latency-ms': { type: 'string', default: '3' },
} as const;

function numberOption(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= low && value <= high)) {
    throw new UsageError(`--${name} must be a number from ${low} to ${high}, found ${text}`);
  }
  return value;
}

function integerOption(name: string, text: string, low: number, high: number): number {
  const value = numberOption(name, text, low, high);
  if (!Number.isInteger(value)) {
    throw new UsageError(`--${name} must be a whole number, found ${text}`);
  }
  return value;
}

function target(name: string, text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === '') throw new UsageError(`--${name} must be host:port, found ${text}`);
  return { host, port: integerOption(name, port, 1, 65_535) };
}

/** Reads the arguments after the script; throws UsageError. */
export function readCommandLine(args: readonly string[]): CommandLine {
  let values: ReturnType<typeof parseArgs<{ options: typeof spec }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...args], options: spec }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (values.clock !== 'real' && values.clock !== 'virtual') {
    throw new UsageError(`--clock must be real or virtual, found ${values.clock}`);
  }
  if (values.tracks !== undefined && values.units !== undefined) {
    throw new UsageError('--tracks and --units exclude each other');
  }
  // Virtual time is moved by whole steps, live data by real seconds; only replays are hurried.
  const speed = values.clock === 'virtual' || values.live ? '1' : '2000';
  return {
    help: values.help,
    scenario: values.scenario,
    seed: integerOption('seed', values.seed, 0, 0xffff_ffff),
    speed: numberOption('speed', values.speed ?? speed, 0.001, 1_000_000),
    tracks: values.tracks,
    live: values.live,
    units:
      values.units === undefined ? undefined : integerOption('units', values.units, 1, 100_000),
    everyS: integerOption('every-s', values['every-s'], 1, 86_400),
    historyS: integerOption('history-s', values['history-s'], 0, 2_592_000),
    faults: values.faults,
    virtual: values.clock === 'virtual',
    push: values.push,
    ips: values.ips === undefined ? undefined : target('ips', values.ips),
    host: values.host,
    port: integerOption('port', values.port, 0, 65_535),
    troubleOut: values['trouble-out'],
    loop: values.loop,
    startHeld: values['start-held'],
    sessionIdleS: numberOption('session-idle-s', values['session-idle-s'], 1, 86_400),
    latencyMs: numberOption('latency-ms', values['latency-ms'], 0, 60_000),
  };
}
