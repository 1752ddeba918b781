import { createHash } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { Fault } from '@waybill/fault';
import { dialects, type Dialect } from '@waybill/signatures';
import { EXIT, type ExitCode } from './exit-code.ts';
import { table } from './format.ts';
import type { Run } from './run.ts';
import { jsonOption } from './settings.ts';
import { painter, type Terminal } from './terminal.ts';
import { readRecording } from './webhook-recording.ts';
import { replayPlan, type Injection, type Step, type StepKind } from './webhook-replay-plan.ts';
import {
  createSender,
  newKey,
  senderOptions,
  type Sender,
  type SenderOptions,
  type SentAnswer,
} from './webhook-sender.ts';

interface Options extends SenderOptions, Injection {
  readonly json?: boolean;
}

/** Times that a request is sent again when the receiver asks for it. */
const AGAIN_MAX = 5;
const AGAIN_DEFAULT_S = 1;
const AGAIN_LONGEST_S = 60;
const SHOWN_DEVIATIONS = 20;

const help = `
Every recorded request is signed anew and sent one after another under a key of its own. Shares are from
0 to 1; who is touched depends on --seed alone. What is expected:
  plain      the recorded status, 200 where none was recorded
  duplicate  the same key again, signed anew: 200 with Idempotent-Replayed
  replayed   the same signed bytes under another key: 401
  corrupt    one bit flipped after signing: 401
  skewed     a clock that is off by --skew: 401 beyond --tolerance, else as plain
429, 503 and 409 are repeated after Retry-After, up to ${AGAIN_MAX} times.

Examples:
  waybill webhook replay staging.jsonl --source bay-cabs/dispatch --secret-file k1.txt
  waybill webhook replay staging.jsonl --seed 7 --duplicates 0.2 --replays 0.1 --corrupt 0.1 \\
    --skewed 0.1 --skew 400 --reorder 5 --delay 50

Exit code: 0 when every answer was the expected one, else 1.`;

interface Deviation {
  readonly index: number;
  readonly kind: StepKind;
  readonly expected: string;
  readonly found: string;
}

interface Tally {
  sent: number;
  right: number;
}

function share(text: string): number {
  const value = Number(text);
  if (text !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('expected a share from 0 to 1.');
}

function whole(maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text !== '' && Number.isInteger(value) && value >= 0 && value <= maximum) return value;
    throw new InvalidArgumentError(`expected a whole number from 0 to ${maximum}.`);
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function sendStep(send: Sender, step: Step, t: number): Promise<SentAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const { body, idempotencyKey, headers, sentBody } = step;
    const corrupted = sentBody === undefined ? {} : { sentBody };
    const answer = await send({ body, idempotencyKey, headers, t, ...corrupted });
    const isAgain =
      [409, 429, 503].includes(answer.status) && !step.expected.includes(answer.status);
    if (!isAgain || attempt > AGAIN_MAX) return answer;
    const asked = Number(answer.headers.get('retry-after') ?? AGAIN_DEFAULT_S);
    await pause(Math.min(Number.isFinite(asked) ? asked : AGAIN_DEFAULT_S, AGAIN_LONGEST_S) * 1000);
  }
}

function expectedText({ expected, repeated }: Step): string {
  return `${expected.join(' or ')}${repeated ? ' repeated' : ''}`;
}

function deviationOf(step: Step, { status, headers }: SentAnswer): Deviation | undefined {
  const isRepeat = headers.get('idempotent-replayed') === 'true';
  if (step.expected.includes(status) && isRepeat === step.repeated) return undefined;
  const found = `${status}${isRepeat ? ' repeated' : ''}`;
  return { index: step.index, kind: step.kind, expected: expectedText(step), found };
}

/**
 * The time that is signed. A replay is the very signature of the request before it; other requests with
 * an equal body must not be taken for one, so each gets a second of its own.
 */
function timeFor({ kind, body, skewS }: Step, signedAt: Map<string, number>): number {
  const hash = createHash('sha256').update(body).digest('base64');
  const last = signedAt.get(hash) ?? 0;
  if (kind === 'replayed') return last;
  const now = Math.floor(Date.now() / 1000);
  if (kind === 'skewed') return now + skewS;
  const t = kind === 'duplicate' ? Math.max(now, last) : Math.max(now, last + 1);
  signedAt.set(hash, t);
  return t;
}

async function sendAll(
  steps: readonly Step[],
  send: Sender,
): Promise<{ tallies: ReadonlyMap<string, Tally>; deviations: readonly Deviation[] }> {
  const tallies = new Map<string, Tally>();
  const deviations: Deviation[] = [];
  const signedAt = new Map<string, number>();
  for (const step of steps) {
    await pause(step.pauseMs);
    const t = timeFor(step, signedAt);
    const deviation = deviationOf(step, await sendStep(send, step, t));
    const name = `${step.kind}\t${expectedText(step)}`;
    const tally = tallies.get(name) ?? { sent: 0, right: 0 };
    tallies.set(name, tally);
    tally.sent += 1;
    if (deviation === undefined) tally.right += 1;
    else deviations.push(deviation);
  }
  return { tallies, deviations };
}

function show(
  { tallies, deviations }: Awaited<ReturnType<typeof sendAll>>,
  options: Options,
  terminal: Terminal,
): ExitCode {
  const rows = [...tallies].map(([name, { sent, right }]) => {
    const [kind = '', expected = ''] = name.split('\t');
    return { kind, expected, sent, right };
  });
  if (options.json === true) {
    terminal.out(JSON.stringify({ seed: options.seed, rows, deviations }));
  } else {
    const cells = rows.map(({ kind, expected, sent, right }) => [kind, expected, sent, right]);
    for (const line of table([['kind', 'expected', 'sent', 'as expected'], ...cells])) {
      terminal.out(line);
    }
    const paint = painter(terminal);
    for (const { index, kind, expected, found } of deviations.slice(0, SHOWN_DEVIATIONS)) {
      terminal.out(
        paint('red', `request ${index} (${kind}): expected ${expected}, found ${found}`),
      );
    }
    const more = deviations.length - SHOWN_DEVIATIONS;
    if (more > 0) terminal.out(`and ${more} more`);
    terminal.out(`seed ${options.seed}`);
  }
  return deviations.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Without a signature, or without a time in it, nothing that is injected could be noticed. */
function demandSignedTime(options: Options): void {
  const { corrupt, replays, skewed, dialect: name, secretFile } = options;
  const dialect: Dialect = dialects[name];
  const missing =
    secretFile === undefined && corrupt + replays + skewed > 0
      ? '--secret-file, because unsigned requests cannot be corrupted or replayed'
      : !dialect.stamp.includes('t') && replays + skewed > 0
        ? `a dialect that signs its time for --replays and --skewed, which ${name} does not`
        : undefined;
  if (missing === undefined) return;
  const message = `expected ${missing}`;
  throw new Fault(message, { kind: 'misconfigured', code: 'OPTION_MISSING', stage: 'start' });
}

/** `waybill webhook replay`: sends a recording again, with seeded trouble. */
export function replayCommand(run: Run): Command {
  const command = new Command('replay')
    .description('send recorded requests again with seeded trouble, and compare the answers')
    .argument('<file>', 'recording of `waybill webhook record`')
    .option('--seed <n>', 'chooses who is touched', whole(2 ** 31), 1)
    .option('--duplicates <share>', 'sent twice under one key', share, 0)
    .option('--replays <share>', 'the same signed bytes under another key', share, 0)
    .option('--corrupt <share>', 'one bit flipped after signing', share, 0)
    .option('--skewed <share>', 'signed with a wrong clock', share, 0)
    .option('--skew <seconds>', 'how far that clock is off', whole(86_400), 0)
    .option('--tolerance <seconds>', 'what the receiver tolerates', whole(3600), 300)
    .option('--reorder <places>', 'how many places a request may move', whole(1000), 0)
    .option('--delay <ms>', 'longest pause before a request', whole(60_000), 0)
    .addOption(jsonOption())
    .addHelpText('after', help);
  for (const option of senderOptions) command.addOption(option);
  type Given = Omit<Options, 'skewS' | 'toleranceS' | 'delayMs'> & {
    readonly skew: number;
    readonly tolerance: number;
    readonly delay: number;
  };
  return command.action((file: string, given: Given) =>
    run(async (terminal) => {
      const { skew: skewS, tolerance: toleranceS, delay: delayMs } = given;
      const options: Options = { ...given, skewS, toleranceS, delayMs };
      demandSignedTime(options);
      const recording = await readRecording(file);
      const send = await createSender(options);
      const steps = replayPlan(recording, newKey(), options);
      return show(await sendAll(steps, send), options, terminal);
    }),
  );
}
