import { Command, InvalidArgumentError, Option } from 'commander';
import { parseInstant } from '@waybill/domain';
import { EXIT } from './exit-code.ts';
import type { Run } from './run.ts';
import { ask } from './service-client.ts';
import { consoleOption, jsonOption } from './settings.ts';

interface Options {
  readonly preview?: boolean;
  readonly way?: string;
  readonly by?: string;
  readonly json?: boolean;
  readonly console: string;
}

const help = `
The range is read again, 12 h more on each side: from the provider, or with --way raw from our own raw
topics (30 days). What differs from what was published becomes one proposal per business day; nothing is
published before somebody accepts it. With --preview it is only shown.

Examples:
  waybill detect recompute hudson-waste/wialon:8002 2015-12-09
  waybill detect recompute hudson-waste/wialon:8002 2015-12-09T05:00:00Z/2015-12-10T05:00:00Z --preview
  waybill detect recompute acme/push:truck-7 2026-01-31 --way raw`;

/** `<tenant>/<unit>`. */
export function unitArgument(text: string): { readonly tenant: string; readonly unit: string } {
  const [tenant = '', unit = '', ...rest] = text.split('/');
  if (tenant !== '' && /^[a-z][a-z0-9-]*:./.test(unit) && rest.length === 0) {
    return { tenant, unit };
  }
  throw new InvalidArgumentError('expected <tenant>/<unit>, such as hudson-waste/wialon:8002.');
}

function iso(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString();
}

function rangeArgument(text: string): { readonly day: string } | { from: string; to: string } {
  // A day that the calendar does not have parses to none, or to another one.
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && iso(parseInstant(`${text}T00:00:00Z`)).startsWith(text))
    return { day: text };
  const [from, to, ...rest] = text.split('/').map(parseInstant);
  if (from !== undefined && to !== undefined && rest.length === 0 && from < to) {
    return { from: iso(from), to: iso(to) };
  }
  throw new InvalidArgumentError(
    'expected a business day such as 2026-01-31, or <from>/<to> with instants such as 2026-01-31T00:00:00Z, from before to.',
  );
}

/** `waybill detect recompute`: detects a range once more and proposes what differs. */
export function recomputeCommand(run: Run): Command {
  return new Command('recompute')
    .description('read a range of a unit again and propose what differs from what was published')
    .argument('<tenant/unit>', 'such as hudson-waste/wialon:8002', unitArgument)
    .argument('<range>', 'a business day, or <from>/<to>', rangeArgument)
    .option('--preview', 'show the difference, propose nothing')
    .addOption(
      new Option('--way <way>', 'where it is read again (default: as the source allows)').choices([
        'provider',
        'raw',
      ]),
    )
    .option('--by <name>', 'who decides it, for the audit (default: the user)')
    .addOption(jsonOption())
    .addOption(consoleOption())
    .addHelpText('after', help)
    .action(
      (
        of: ReturnType<typeof unitArgument>,
        range: ReturnType<typeof rangeArgument>,
        options: Options,
      ) =>
        run(async (terminal) => {
          const { preview = false, way } = options;
          const by = options.by ?? terminal.env['USER'] ?? 'waybill';
          const body = { ...of, ...range, way, preview, by };
          // Our own end point; its shape is covered by the console's tests.
          const answer = (await ask(options.console, '/recompute', body)) as {
            rework_id: string;
            way: string;
          };
          if (options.json === true) terminal.out(JSON.stringify(answer));
          else {
            const what = preview ? 'preview' : 'recomputation';
            terminal.out(`${what} ${answer.rework_id} of ${of.tenant}/${of.unit} is ordered`);
            terminal.out(`it is read from the ${answer.way === 'raw' ? 'raw topics' : 'provider'}`);
            terminal.out(`follow it: waybill rework status ${answer.rework_id}`);
            terminal.out(`its result: waybill detect proposals ${of.tenant}/${of.unit}`);
          }
          return EXIT.ok;
        }),
    );
}
