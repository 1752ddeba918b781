import { Command, CommanderError } from 'commander';
import { isFault } from '@waybill/fault';
import { detectCommand } from './command-detect.ts';
import { mapCommand } from './command-map.ts';
import { reportCommand } from './command-report.ts';
import { reworkCommand } from './command-rework.ts';
import { secretCommand } from './command-secret.ts';
import { tenantCommand } from './command-tenant.ts';
import { topicsCommand } from './command-topics.ts';
import { webhookCommand } from './command-webhook.ts';
import { whyCommand } from './command-why.ts';
import { EXIT, exitCodeOf, type ExitCode } from './exit-code.ts';
import type { Run } from './run.ts';
import { painter, type Terminal } from './terminal.ts';

const help = `
Examples:
  waybill topics apply
  waybill tenant check deploy/tenants/bay-cabs
  waybill tenant apply deploy/tenants/bay-cabs
  waybill map hudson-waste vehicle wialon:8068 TRK-E-5
  waybill why 5f0c2a9e
  waybill report
  waybill webhook doctor --request saved.http --secret k1.txt
  waybill rework transformer --dead-letter 5f0c2a9e5f0c2a9e5f0c2a9e5f0c2a9e --preview
  waybill detect recompute hudson-waste/wialon:8002 2015-12-09 --preview
  waybill webhook send --example trip.status.changed

Exit codes: 0 ok, 1 failed or nothing found, 2 wrong usage, 78 wrong configuration.
Environment: CONSOLE_URL, RECONCILER_URL, INGEST_URL, KAFKA_BROKERS, KAFKA_NAMESPACE, SCHEMA_REGISTRY_URL, NO_COLOR.`;

/** Settings that commander keeps per command: errors come back as exceptions, texts go to the terminal. */
function prepare(command: Command, name: string, terminal: Terminal): void {
  const { out, err } = terminal;
  const write = (line: (text: string) => void) => (text: string) => line(text.replace(/\n$/, ''));
  command
    .exitOverride()
    .showHelpAfterError(`run ${name} --help`)
    .configureOutput({
      writeOut: write(out),
      writeErr: write(err),
      outputError: (text, print) => print(text.replace(/^error: /, 'waybill: ')),
    });
  for (const sub of command.commands) prepare(sub, `${name} ${sub.name()}`, terminal);
}

function problemText(error: unknown): string {
  if (isFault(error)) {
    const { message, code } = error;
    return message.includes('\n') ? `${code}: ${message}` : `${message} [${code}]`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Runs the `waybill` command with the arguments after its name; never throws. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const run: Run = async (work) => {
    code = await work(terminal);
  };
  const program = new Command('waybill')
    .enablePositionalOptions()
    .description('Carries what vehicles do into ERP systems, and proves that nothing was lost.')
    .addHelpText('after', help)
    .addCommand(whyCommand(run))
    .addCommand(reportCommand(run))
    .addCommand(mapCommand(run))
    .addCommand(reworkCommand(run))
    .addCommand(detectCommand(run))
    .addCommand(tenantCommand(run))
    .addCommand(secretCommand(run))
    .addCommand(topicsCommand(run))
    .addCommand(webhookCommand(run));
  prepare(program, 'waybill', terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    terminal.err(`${painter(terminal)('red', 'waybill')}: ${problemText(error)}`);
    return exitCodeOf(error);
  }
}
