import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { parseInstant } from '@waybill/domain';
import { unitArgument } from './command-detect-recompute.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Run } from './run.ts';
import { clusterOf, type ClusterOptions, jsonOption, withCluster } from './settings.ts';
import type { Terminal } from './terminal.ts';
import { readSecret, secretsDirOption } from './webhook-secrets.ts';
import { askTrips } from './wialon-trips.ts';

/** The detector's own rules, run beside the service in a process of their own. */
const PROGRAM = fileURLToPath(
  new URL('../../../services/detector/src/study-main.ts', import.meta.url),
);

interface Options extends ClusterOptions {
  readonly file?: string;
  readonly save?: string;
  readonly picture?: string;
  readonly json?: boolean;
  readonly from?: number;
  readonly to?: number;
}

function instantArgument(text: string): number {
  const ms = parseInstant(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('expected an instant such as 2026-01-31T00:00:00Z.');
}

function changeArgument(text: string, before: readonly string[] = []): readonly string[] {
  if (/^[a-z_]+(\.[a-z_]+)*=./.test(text)) return [...before, text];
  throw new InvalidArgumentError('expected a change such as detection.stay_time_s=180.');
}

/** Runs the program with a request and shows what it says. */
function study(request: object, options: Options, terminal: Terminal): Promise<ExitCode> {
  const full = {
    unit: '',
    changes: [],
    ...request,
    json: options.json === true,
    file: options.file,
    save: options.save,
    ...clusterOf(options),
  };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(full)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (said.out !== '') terminal.out(said.out.replace(/\n$/, ''));
      if (said.err !== '') terminal.err(`waybill: ${said.err.replace(/\n$/, '')}`);
      const known = Object.values(EXIT).find((exit) => exit === code);
      resolve(known ?? EXIT.failed);
    });
  });
}

function withSource(command: Command): Command {
  return withCluster(command)
    .option('--file <path>', 'history file in place of the log')
    .option('--save <path>', 'write the history that is read, for --file')
    .addOption(jsonOption());
}

const explainHelp = `
Shows which positions were used, and why the others were not; every run of movement against the thresholds
that make it a trip; every version that was published and why. The picture shows event time against arrival
time. Everything is read from the log, which takes as long as the log is.

Examples:
  waybill detect explain hudson-waste/wialon:8002 2015-12-10T00:00:00Z 2015-12-11T00:00:00Z
  waybill detect explain hudson-waste/wialon:8002 2015-12-10T00:00:00Z 2015-12-11T00:00:00Z --picture day.html`;

/** `waybill detect explain`: how the detector comes to what it says. */
export function explainCommand(run: Run): Command {
  const command = new Command('explain')
    .description('show why a unit has the trips that it has in a range')
    .argument('<tenant/unit>', 'such as hudson-waste/wialon:8002', unitArgument)
    .argument('<from>', 'instant', instantArgument)
    .argument('<to>', 'instant', instantArgument)
    .option('--picture <path>', 'write the picture as an HTML page')
    .addHelpText('after', explainHelp);
  return withSource(command).action(
    (asked: ReturnType<typeof unitArgument>, from: number, to: number, options: Options) =>
      run((terminal) => {
        const { picture } = options;
        return study({ command: 'explain', ...asked, from, to, picture }, options, terminal);
      }),
  );
}

const backtestHelp = `
Runs the recorded positions of all units of a tenant once with its present settings and once with the change,
and lists the events that are gained, lost or moved. Nothing is published.

Examples:
  waybill detect backtest hudson-waste detection.stay_time_s=180
  waybill detect backtest bay-cabs detection.min_speed_kmh=8 detection.outlier_speed_kmh=200 --from 2008-05-21T00:00:00Z`;

/** `waybill detect backtest`: what a change of the rules would have changed. */
export function backtestCommand(run: Run): Command {
  const command = new Command('backtest')
    .description('show which events a change of the rules would gain, lose or move')
    .argument('<tenant>', 'such as hudson-waste')
    .argument(
      '<change...>',
      'setting of the tenant file, such as detection.stay_time_s=180',
      changeArgument,
    )
    .option('--from <instant>', 'events that end before are left out', instantArgument)
    .option('--to <instant>', 'events that begin later are left out', instantArgument)
    .addHelpText('after', backtestHelp);
  return withSource(command).action(
    (tenant: string, changes: readonly string[], options: Options) =>
      run((terminal) => {
        const { from = 0, to = Number.MAX_SAFE_INTEGER } = options;
        return study({ command: 'backtest', tenant, changes, from, to }, options, terminal);
      }),
  );
}

const parityHelp = `
Compares our trips with the provider's of the same window: start and end within 60 s, distance within 1 %, and
a reason for every difference. The provider is asked with a token of the account (--provider, --token), in a
session of its own; or <trips> is a file with the answer of Wialon's unit/get_trips.

Examples:
  waybill detect parity bay-cabs/wialon:7001 2008-05-20T07:00:00Z 2008-05-21T07:00:00Z \\
    --provider https://hst-api.wialon.com --token secret://files/bay-cabs#wialon_token_1
  waybill detect parity bay-cabs/wialon:7001 2008-05-20T07:00:00Z 2008-05-21T07:00:00Z trips.json`;

interface ParityOptions extends Options {
  readonly provider?: string;
  readonly token?: string;
  readonly secretsDir?: string;
}

/** Runs with a file that holds what the provider answers now; it is gone afterwards. */
async function withProviderTrips(
  { unit, from, to }: { readonly unit: string; readonly from: number; readonly to: number },
  { provider: url = '', token: place = '', secretsDir }: ParityOptions,
  work: (file: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  const token = await readSecret(place, secretsDir);
  const unitId = Number(unit.slice(unit.indexOf(':') + 1));
  const answer = await askTrips({ url, token, unitId, from, to });
  const folder = await mkdtemp(join(tmpdir(), 'waybill-parity-'));
  try {
    const file = join(folder, 'trips.json');
    await writeFile(file, JSON.stringify(answer));
    return await work(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `waybill detect parity`: our trips against the provider's. */
export function parityCommand(run: Run): Command {
  const command = new Command('parity')
    .description('compare our trips with the provider’s own')
    .argument('<tenant/unit>', 'such as bay-cabs/wialon:7001', unitArgument)
    .argument('<from>', 'instant', instantArgument)
    .argument('<to>', 'instant', instantArgument)
    .argument('[trips]', 'file with the answer of unit/get_trips')
    .option('--provider <url>', 'ask the provider at this address instead')
    .option('--token <place>', 'with this token: secret://files/… , <file>, or <file>.json#<field>')
    .addOption(secretsDirOption)
    .addHelpText('after', parityHelp);
  return withSource(command).action(
    (
      asked: ReturnType<typeof unitArgument>,
      from: number,
      to: number,
      trips: string | undefined,
      options: ParityOptions,
    ) => {
      const asksProvider = options.provider !== undefined && options.token !== undefined;
      if ((trips === undefined) !== asksProvider) {
        command.error('error: expected either <trips>, or --provider and --token');
      }
      const window = { ...asked, from, to };
      return run((terminal) => {
        const compare = (provider: string): Promise<ExitCode> =>
          study({ command: 'parity', ...window, provider }, options, terminal);
        return trips === undefined ? withProviderTrips(window, options, compare) : compare(trips);
      });
    },
  );
}
