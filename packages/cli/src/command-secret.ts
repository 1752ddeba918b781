import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Fault } from '@waybill/fault';
import { sealSecrets, type PlainSecrets } from '@waybill/runtime';
import { EXIT } from './exit-code.ts';
import type { Run } from './run.ts';

interface Options {
  readonly in: string;
  readonly out: string;
  readonly key: string;
}

function malformed(what: string): Fault {
  return new Fault(what, { kind: 'misconfigured', code: 'SECRETS_MALFORMED', stage: 'start' });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw malformed(`${file} cannot be read (${code})`);
  }
}

/** `{"<path>": {"<field>": "<value>"}}`; the message quotes nothing of it. */
function secretsIn(file: string, text: string): PlainSecrets {
  const problem = malformed(`${file}: expected {"<path>": {"<field>": "<value>"}}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw problem;
  }
  const isFields = (fields: unknown): boolean =>
    typeof fields === 'object' &&
    fields !== null &&
    Object.values(fields).every((field) => typeof field === 'string');
  if (typeof value !== 'object' || value === null || !Object.values(value).every(isFields)) {
    throw problem;
  }
  // Checked above.
  return value as PlainSecrets;
}

/** `waybill secret seal`: writes the encrypted file of the sealed store. */
export function secretCommand(run: Run): Command {
  const seal = new Command('seal')
    .description('encrypt secrets into the one file of the sealed store')
    .requiredOption(
      '--in <file>',
      'plain JSON {"<path>": {"<field>": "<value>"}}; delete it afterwards',
    )
    .requiredOption('--out <file>', 'encrypted file, SECRETS_SEALED_FILE of the services')
    .requiredOption('--key <file>', 'file with the key, SECRETS_KEY_FILE; at least 32 characters')
    .addHelpText(
      'after',
      `
secret://sealed/bay-cabs#wialon_token_1 is then the field wialon_token_1 under "bay-cabs". Services read
both files at each use: a new file works without a restart.

Example:
  waybill secret seal --in plain.json --out secrets.sealed --key secrets.key`,
    )
    .action((options: Options) =>
      run(async (terminal) => {
        const secrets = secretsIn(options.in, await readText(options.in));
        const text = sealSecrets(secrets, await readText(options.key));
        await writeFile(options.out, text, { mode: 0o600 });
        const fields = Object.values(secrets).flatMap(Object.keys).length;
        terminal.out(`${fields} secrets are sealed in ${options.out}`);
        return EXIT.ok;
      }),
    );
  return new Command('secret').description('keep secrets').addCommand(seal);
}
