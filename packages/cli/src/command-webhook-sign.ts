import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { Fault } from '@waybill/fault';
import { dialects, sign, type Dialect, type Key } from '@waybill/signatures';
import { EXIT } from './exit-code.ts';
import type { Run } from './run.ts';
import { jsonOption } from './settings.ts';
import { readBytes } from './webhook-request.ts';
import { readSigning, signingOptions, type SigningOptions } from './webhook-secrets.ts';

interface Options extends SigningOptions {
  readonly t?: string;
  readonly id?: string;
  readonly curl?: string;
  readonly json?: boolean;
}

const help = `
Signs the bytes of the file as they stand there; several --secret give several signatures, as during a
rotation.

Examples:
  waybill webhook sign event.json --secret k1.txt
  waybill webhook sign event.json --dialect standard-webhooks --secret whsec.txt --id msg_1
  waybill webhook sign event.json --secret secret://files/bay-cabs#webhook_k1 --secrets-dir secrets \\
    --curl http://127.0.0.1:8092/webhooks/telematics/bay-cabs/dispatch`;

function keysOf(dialect: Dialect, secrets: readonly { name: string; secret: string }[]): Key[] {
  return secrets.map(({ name, secret }) => {
    const key = dialect.key(secret);
    if (key !== undefined) return key;
    throw new Fault(
      `the secret ${name} cannot be one of ${dialect.name}; see packages/signatures`,
      {
        kind: 'misconfigured',
        code: 'SECRET_INVALID',
        stage: 'start',
      },
    );
  });
}

/** One shell command line; single quotes keep everything but themselves. */
function curlLine(url: string, headers: Readonly<Record<string, string>>, file: string): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  return ['curl -i -X POST', ...lines, `--data-binary ${quoted(`@${file}`)}`, quoted(url)].join(
    ' \\\n  ',
  );
}

/** `waybill webhook sign`: the headers that make a file a signed request. */
export function signCommand(run: Run): Command {
  const command = new Command('sign')
    .description('sign a body, and print the headers')
    .argument('<file>', 'body; - reads standard input')
    .option('--t <seconds>', 'time to sign, unix seconds (default: now)')
    .option('--id <id>', 'id of the message, where the dialect has one (default: a new one)')
    .option('--curl <url>', 'print a curl command instead')
    .addOption(jsonOption())
    .addHelpText('after', help);
  for (const option of signingOptions) command.addOption(option);
  return command.action((file: string, options: Options) =>
    run(async (terminal) => {
      const signing = await readSigning(options);
      const dialect: Dialect = dialects[signing.dialect];
      const own = signing.secrets.filter((secret) => secret.isOwn);
      const stamp = {
        t: options.t ?? String(Math.floor(Date.now() / 1000)),
        id: options.id ?? `msg_${randomUUID()}`,
      };
      const headers = sign(dialect, stamp, keysOf(dialect, own), await readBytes(file));
      const key = signing.dialect === 'waybill-hmac' ? { 'idempotency-key': randomUUID() } : {};
      if (options.json === true) terminal.out(JSON.stringify({ dialect: dialect.name, headers }));
      else if (options.curl === undefined) {
        for (const [name, value] of Object.entries(headers)) terminal.out(`${name}: ${value}`);
      } else {
        const all = { 'content-type': 'application/json', ...headers, ...key };
        terminal.out(curlLine(options.curl, all, file));
      }
      return EXIT.ok;
    }),
  );
}
