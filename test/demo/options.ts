import { parseArgs } from 'node:util';
import { existsSync } from 'node:fs';
import { scenarioFile } from './scenario.ts';

export interface DemoOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly seed: number;
  readonly speed: number;
  readonly scenario: string;
}

export const usage = `npm run demo -- [options]

Real recordings through the whole system, then a report.

  --once            end after the report; exit code 0 only if every row is right
  --json            one JSON object on standard output; implies --once
  --seed <n>        another set of troubles           (default 7)
  --speed <n>       data seconds per wall second      (default 2000)
  --scenario <name> demo = 26 hours, short = 11 hours (default demo)
  --help            this text

examples
  npm run demo
  npm run demo -- --once --seed 42
  npm run demo -- --json > report.json
`;

function positive(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 1 || value > most) {
    throw new Error(`--${name} must be a number from 1 to ${most}, not "${text}"`);
  }
  return value;
}

/** Reads the command line; throws an Error with one line that says what is wrong. */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      seed: { type: 'string', default: '7' },
      speed: { type: 'string', default: '2000' },
      scenario: { type: 'string', default: 'demo' },
    },
  });
  if (values.help) return 'help';
  if (!/^[a-z-]+$/.test(values.scenario) || !existsSync(scenarioFile(values.scenario))) {
    throw new Error(`--scenario must be demo or short, not "${values.scenario}"`);
  }
  return {
    once: values.once || values.json,
    json: values.json,
    seed: Math.floor(positive('seed', values.seed, 4_294_967_295)),
    speed: positive('speed', values.speed, 100_000),
    scenario: values.scenario,
  };
}
