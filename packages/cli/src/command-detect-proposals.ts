import { Command, Option } from 'commander';
import { EXIT } from './exit-code.ts';
import { renderProposal, type Proposal } from './render-proposal.ts';
import type { Run } from './run.ts';
import { ask } from './service-client.ts';
import { consoleOption, jsonOption } from './settings.ts';

interface Options {
  readonly status?: string;
  readonly by?: string;
  readonly json?: boolean;
  readonly console: string;
}

const statuses = ['wanted', 'pending', 'preview', 'empty', 'accepted', 'rejected', 'failed'];

const help = `
Examples:
  waybill detect proposals
  waybill detect proposals hudson-waste --status pending
  waybill detect proposals hudson-waste/wialon:8002`;

/** `waybill detect proposals`: what data beyond grace would change. */
export function proposalsCommand(run: Run): Command {
  return new Command('proposals')
    .description('list what late data would change, by unit and business day')
    .argument('[tenant[/unit]]', 'of one tenant, or one unit')
    .addOption(new Option('--status <status>', 'only these').choices(statuses))
    .addOption(jsonOption())
    .addOption(consoleOption())
    .addHelpText('after', help)
    .action((of: string | undefined, options: Options) =>
      run(async (terminal) => {
        const [tenant, unit] = (of ?? '').split('/');
        const query = new URLSearchParams();
        if (tenant !== undefined && tenant !== '') query.set('tenant', tenant);
        if (unit !== undefined) query.set('unit', unit);
        if (options.status !== undefined) query.set('status', options.status);
        // Our own end point; its shape is covered by the console's tests.
        const answer = (await ask(options.console, `/proposals?${query.toString()}`)) as {
          proposals: readonly Proposal[];
        };
        if (options.json === true) {
          terminal.out(JSON.stringify(answer));
          return EXIT.ok;
        }
        if (answer.proposals.length === 0) terminal.out('no proposals');
        for (const proposal of answer.proposals) {
          for (const line of renderProposal(proposal)) terminal.out(line);
        }
        return EXIT.ok;
      }),
    );
}

/** `waybill detect accept` and `reject`: a verdict about one proposal. */
export function verdictCommand(run: Run, verdict: 'accept' | 'reject'): Command {
  const effect =
    verdict === 'accept'
      ? 'publish what a proposal says, with cause accepted_late'
      : 'leave everything as it was published';
  return new Command(verdict)
    .description(effect)
    .argument('<proposal_id>', 'as `waybill detect proposals` prints it; 8 digits are enough')
    .option('--by <name>', 'who decides it, for the audit (default: the user)')
    .addOption(jsonOption())
    .addOption(consoleOption())
    .addHelpText('after', `\nExample:\n  waybill detect ${verdict} 0b7e11c4`)
    .action((proposal_id: string, options: Options) =>
      run(async (terminal) => {
        const by = options.by ?? terminal.env['USER'] ?? 'waybill';
        const body = { proposal_id, verdict, by };
        const answer = (await ask(options.console, '/proposals/verdict', body)) as Proposal;
        if (options.json === true) terminal.out(JSON.stringify(answer));
        else {
          const { proposal_id: id, tenant_id: tenant, unit, business_date: date } = answer;
          terminal.out(`${verdict} of ${id}: ${tenant}/${unit} on ${date}`);
        }
        return EXIT.ok;
      }),
    );
}
