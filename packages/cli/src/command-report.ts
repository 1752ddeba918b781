import { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { renderReport, type ReportAnswer } from './render-report.ts';
import type { Run } from './run.ts';
import { ask } from './service-client.ts';
import { jsonOption, reconcilerOption } from './settings.ts';
import { painter } from './terminal.ts';

interface Options {
  readonly tenant?: string;
  readonly json?: boolean;
  readonly compare?: boolean;
  readonly reconciler: string;
}

/** `waybill report`: what was read, made and delivered. */
export function reportCommand(run: Run): Command {
  return new Command('report')
    .description('show what was read, detected and delivered, per tenant')
    .option('--tenant <id>', 'only this tenant')
    .option('--compare', 'compare the event log with the ERP first; needs --tenant')
    .addOption(jsonOption())
    .addOption(reconcilerOption())
    .addHelpText(
      'after',
      '\nExamples:\n  waybill report\n  waybill report --tenant bay-cabs --compare --json',
    )
    .action((options: Options, command: Command) => {
      if (options.compare === true && options.tenant === undefined) {
        command.error('error: --compare needs --tenant <id>');
      }
      return run(async (terminal) => {
        const { tenant, reconciler } = options;
        if (options.compare === true) await ask(reconciler, '/reconcile', { tenant });
        const query = tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
        // Our own end point; its shape is covered by the reconciler's tests.
        const answer = (await ask(reconciler, `/report${query}`)) as ReportAnswer;
        if (options.json === true) terminal.out(JSON.stringify(answer));
        else for (const line of renderReport(answer, painter(terminal))) terminal.out(line);
        return EXIT.ok;
      });
    });
}
