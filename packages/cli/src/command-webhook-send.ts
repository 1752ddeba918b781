import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { webhookEvents } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Run } from './run.ts';
import { jsonOption } from './settings.ts';
import { painter, type Terminal } from './terminal.ts';
import {
  createSender,
  newKey,
  senderOptions,
  type SenderOptions,
  type SentAnswer,
} from './webhook-sender.ts';

interface Options extends SenderOptions {
  readonly example?: string;
  readonly key?: string;
  readonly json?: boolean;
}

const help = `
The body is sent as it stands in the file, byte for byte. --example sends the catalogue's example of an
event with a new id and the present time.

Examples:
  waybill webhook send --example trip.status.changed --source bay-cabs/dispatch --secret-file k1.txt
  waybill webhook send events.json --url https://ingest.example/webhooks/telematics/bay-cabs/dispatch \\
    --secret-file secrets/bay-cabs.json#webhook_k1
  echo '{"event":…}' | waybill webhook send - --key order-17-arrived

Exit code: 0 when it was accepted (2xx), else 1.`;

function exampleBody(name: string, key: string): Buffer {
  const example = webhookEvents.find(({ event }) => event === name)?.example;
  // The files beside the contracts; their tests hold them to this form.
  const { data } = (example ?? { data: {} }) as { data: Record<string, unknown> };
  const ts = 'ts' in data ? { ts: new Date().toISOString() } : {};
  return Buffer.from(JSON.stringify({ event: name, id: key, data: { ...data, ...ts } }));
}

async function bodyOf(file: string | undefined, options: Options, key: string): Promise<Buffer> {
  if (options.example !== undefined && file === undefined) return exampleBody(options.example, key);
  if (file === undefined || options.example !== undefined) {
    throw new Fault('expected a file, - for standard input, or --example <event>', {
      kind: 'malformed',
      code: 'BODY_MISSING',
      stage: 'decode',
    });
  }
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file);
  } catch (error) {
    throw new Fault(`cannot read ${file}`, {
      kind: 'malformed',
      code: 'FILE_UNREADABLE',
      stage: 'decode',
      cause: error,
    });
  }
}

function show(answer: SentAnswer, key: string, options: Options, terminal: Terminal): ExitCode {
  const { status, headers, body, durationMs } = answer;
  const accepted = status >= 200 && status < 300;
  const repeated = headers.get('idempotent-replayed') === 'true';
  const requestId = headers.get('request-id');
  if (options.json === true) {
    const fields = { status, accepted, repeated, key, request_id: requestId, body };
    terminal.out(JSON.stringify({ ...fields, duration_ms: durationMs }));
  } else {
    const paint = painter(terminal);
    const word = accepted ? (repeated ? 'accepted before' : 'accepted') : 'refused';
    terminal.out(`${paint(accepted ? 'green' : 'red', `${status} ${word}`)} in ${durationMs} ms`);
    if (body !== '') terminal.out(body);
    terminal.out(`Idempotency-Key ${key}, Request-Id ${requestId ?? 'none'}`);
  }
  return accepted ? EXIT.ok : EXIT.failed;
}

/** `waybill webhook send`: signs and posts one body. */
export function sendCommand(run: Run): Command {
  const command = new Command('send')
    .description('sign and send one event or file, and show the answer')
    .argument('[file]', 'body to send; - reads standard input')
    .addOption(
      new Option('--example <event>', 'send the example of an event').choices(
        webhookEvents.map(({ event }) => event),
      ),
    )
    .option('--key <key>', 'Idempotency-Key (default: a new one)')
    .addOption(jsonOption())
    .addHelpText('after', help);
  for (const option of senderOptions) command.addOption(option);
  return command.action((file: string | undefined, options: Options) =>
    run(async (terminal) => {
      const key = options.key ?? newKey();
      const send = await createSender(options);
      const body = await bodyOf(file, options, key);
      const t = Math.floor(Date.now() / 1000);
      return show(await send({ body, idempotencyKey: key, t }), key, options, terminal);
    }),
  );
}
