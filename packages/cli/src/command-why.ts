import { Command } from 'commander';
import type { Run } from './run.ts';
import { EXIT } from './exit-code.ts';
import { renderWhy } from './render-why.ts';
import { ask } from './service-client.ts';
import { consoleOption, jsonOption } from './settings.ts';
import { painter } from './terminal.ts';
import type { WhyAnswer } from './why-answer.ts';

interface Options {
  readonly tenant?: string;
  readonly json?: boolean;
  readonly console: string;
}

const help = `
<trip> is a trip, visit, order, event or ERP row id, the first 8 digits of one, or
<unit or ERP vehicle>@<instant> for something that is missing.

Examples:
  waybill why 5f0c2a9e
  waybill why ORD-1003 --tenant bay-cabs
  waybill why TRK-E-8@2015-12-10T04:45:00Z --tenant hudson-waste

Exit code: 0 found, 1 nothing stands for it (the reasons are printed).`;

/** `waybill why`: from the API call to the ERP row, or why there is none. */
export function whyCommand(run: Run): Command {
  return new Command('why')
    .description('show where an ERP record comes from, or why it is missing')
    .argument('<trip>', 'id, or <unit>@<instant>')
    .option('--tenant <id>', 'only this tenant')
    .addOption(jsonOption())
    .addOption(consoleOption())
    .addHelpText('after', help)
    .action((trip: string, options: Options) =>
      run(async (terminal) => {
        const query = new URLSearchParams({ trip });
        if (options.tenant !== undefined) query.set('tenant', options.tenant);
        // Our own end point; its shape is covered by the console's tests.
        const answer = (await ask(options.console, `/why?${query.toString()}`)) as WhyAnswer;
        if (options.json === true) terminal.out(JSON.stringify(answer));
        else for (const line of renderWhy(answer, painter(terminal))) terminal.out(line);
        return answer.found ? EXIT.ok : EXIT.failed;
      }),
    );
}
