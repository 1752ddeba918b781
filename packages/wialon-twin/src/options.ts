import { parseArgs } from 'node:util';

/** The command line of the twin. */
export interface CommandLine {
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
}

/** A command line that cannot be followed. */
export class UsageError extends Error {}

export const usage = `usage: main.ts [--scenario demo|short|<file.json>] [--seed 7] [--speed 2000] [--host 127.0.0.1]
  [--port 0] [--trouble-out <file>] [--loop] [--start-held] [--session-idle-s 300] [--latency-ms 3]`;

const spec = {
  scenario: { type: 'string', default: 'demo' },
  seed: { type: 'string', default: '7' },
  speed: { type: 'string', default: '2000' },
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

/** Reads the arguments after the script; throws UsageError. */
export function readCommandLine(args: readonly string[]): CommandLine {
  let values: ReturnType<typeof parseArgs<{ options: typeof spec }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...args], options: spec }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  return {
    scenario: values.scenario,
    seed: integerOption('seed', values.seed, 0, 0xffff_ffff),
    speed: numberOption('speed', values.speed, 0.001, 1_000_000),
    host: values.host,
    port: integerOption('port', values.port, 0, 65_535),
    troubleOut: values['trouble-out'],
    loop: values.loop,
    startHeld: values['start-held'],
    sessionIdleS: numberOption('session-idle-s', values['session-idle-s'], 1, 86_400),
    latencyMs: numberOption('latency-ms', values['latency-ms'], 0, 60_000),
  };
}
