import { Command, Option } from 'commander';
import { EXIT } from './exit-code.ts';
import { renderHours, renderReport, type HoursAnswer, type ReportAnswer } from './render-report.ts';
import type { Run } from './run.ts';
import { ask } from './service-client.ts';
import { jsonOption, reconcilerOption } from './settings.ts';
import { painter } from './terminal.ts';

interface Options {
  readonly tenant?: string;
  readonly json?: boolean;
  readonly compare?: boolean;
  readonly hours?: number;
  readonly reconciler: string;
}

/** `waybill report`: what was read, made and delivered. */
export function reportCommand(run: Run): Command {
  return new Command('report')
    .description('show what was read, detected and delivered, per tenant')
    .option('--tenant <id>', 'only this tenant')
    .option('--compare', 'compare the event log with the ERP first; needs --tenant')
    .addOption(
      new Option(
        '--hours <n>',
        'how complete the newest hours of device time are; needs --tenant',
      ).argParser(Number),
    )
    .addOption(jsonOption())
    .addOption(reconcilerOption())
    .addHelpText(
      'after',
      '\nExamples:\n  waybill report\n  waybill report --tenant bay-cabs --compare --json\n  waybill report --tenant bay-cabs --hours 48',
    )
    .action((options: Options, command: Command) => {
      if (options.compare === true && options.tenant === undefined) {
        command.error('error: --compare needs --tenant <id>');
      }
      if (options.hours !== undefined && options.tenant === undefined) {
        command.error('error: --hours needs --tenant <id>');
      }
      return run(async (terminal) => {
        const { tenant, reconciler, hours } = options;
        if (tenant !== undefined && hours !== undefined) {
          const wanted = `tenant=${encodeURIComponent(tenant)}&hours=${hours}`;
          const answer = (await ask(reconciler, `/completeness?${wanted}`)) as HoursAnswer;
          const lines = options.json === true ? [JSON.stringify(answer)] : renderHours(answer);
          for (const line of lines) terminal.out(line);
          return EXIT.ok;
        }
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
