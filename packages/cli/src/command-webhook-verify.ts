import { Command } from 'commander';
import { dialects, verify, type Dialect, type KeyedKey } from '@waybill/signatures';
import { EXIT } from './exit-code.ts';
import type { Run } from './run.ts';
import { jsonOption } from './settings.ts';
import { painter } from './terminal.ts';
import { readRequest, requestOptions, type RequestOptions } from './webhook-request.ts';
import { readSigning, signingOptions, type SigningOptions } from './webhook-secrets.ts';

interface Options extends SigningOptions, RequestOptions {
  readonly json?: boolean;
}

const help = `
Examples:
  waybill webhook verify --request saved.http --secret k1.txt
  waybill webhook verify --body event.json --header "X-Signature: t=1698570000,s=sha256=…" \\
    --tenant deploy/tenants/bay-cabs --source dispatch --secrets-dir secrets --now 1698570000

Exit code: 0 when ingest would take the signature, else 1.`;

/** `waybill webhook verify`: what ingest says about a saved request's signature. */
export function verifyCommand(run: Run): Command {
  const command = new Command('verify')
    .description('check the signature of a saved request')
    .addOption(jsonOption())
    .addHelpText('after', help);
  for (const option of [...requestOptions, ...signingOptions]) command.addOption(option);
  return command.action((options: Options) =>
    run(async (terminal) => {
      const { dialect: name, secrets, toleranceS } = await readSigning(options);
      const request = await readRequest(options);
      const dialect: Dialect = dialects[name];
      const keys = secrets.flatMap(({ name: keyId, secret, isOwn }): KeyedKey[] => {
        const key = isOwn ? dialect.key(secret) : undefined;
        return key === undefined ? [] : [{ keyId, key }];
      });
      const nowMs = request.receivedTime ?? Date.now();
      const verdict = verify(dialect, request, keys, { nowMs, toleranceS });
      const isValid = verdict.kind === 'valid';
      if (options.json === true) {
        const { kind, ...facts } = verdict;
        terminal.out(JSON.stringify({ valid: kind === 'valid', dialect: name, ...facts }));
      } else if (verdict.kind === 'valid') {
        terminal.out(`${painter(terminal)('green', 'valid')}: ${name}, made with ${verdict.keyId}`);
      } else {
        const { reason, detail } = verdict;
        terminal.out(`${painter(terminal)('red', 'refused')}: ${reason}, ${detail}`);
        terminal.out('waybill webhook doctor with the same options finds out why');
      }
      return isValid ? EXIT.ok : EXIT.failed;
    }),
  );
}
