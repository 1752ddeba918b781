import { Command } from 'commander';
import { mappedEntities } from '@waybill/tenant';
import { cutIn, type ShownInterval } from './cut-in.ts';
import { EXIT } from './exit-code.ts';
import { instantOption } from './instant-option.ts';
import type { Run } from './run.ts';
import { ask } from './service-client.ts';
import { consoleOption } from './settings.ts';

interface Mapping {
  readonly entity: string;
  readonly telematics_id: string;
  readonly version: number;
  readonly deleted: boolean;
  readonly intervals: readonly ShownInterval[];
}

interface Options {
  readonly console: string;
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
}

const help = `
Entities: ${mappedEntities.join(', ')}. Where the new interval overlaps others it wins; what is outside
of it stays, so a tracker that moves at an instant keeps its former truck for the time before.

Examples:
  waybill map hudson-waste vehicle wialon:8068 TRK-E-5
  waybill map hudson-waste vehicle wialon:8002 TRK-SPARE-1 --from 2015-12-10T15:00:00Z`;

function intervalText({ erp_id: id, valid_from: from, valid_to: to }: ShownInterval): string {
  if (from === null && to === null) return `${id} always`;
  return [id, from === null ? '' : `from ${from}`, to === null ? '' : `to ${to}`]
    .filter((part) => part !== '')
    .join(' ');
}

/** `waybill map`: says which ERP id a telematics id stands for. */
export function mapCommand(run: Run): Command {
  return new Command('map')
    .description('map a telematics id to an ERP id')
    .argument('<tenant>', 'tenant id')
    .argument('<entity>', mappedEntities.join(', '))
    .argument('<telematics_id>', 'unit such as wialon:8068, geofence, driver code')
    .argument('<erp_id>', 'id in the ERP')
    .option('--from <instant>', 'valid from this instant, inclusive (default: always)')
    .option('--to <instant>', 'valid to this instant, exclusive (default: open)')
    .option('--by <name>', 'who decides it, for the audit (default: the user)')
    .addOption(consoleOption())
    .addHelpText('after', help)
    .action(
      (tenant: string, entity: string, telematics_id: string, erp_id: string, options: Options) =>
        run(async (terminal) => {
          const added: ShownInterval = {
            erp_id,
            valid_from: instantOption('from', options.from),
            valid_to: instantOption('to', options.to),
          };
          // Our own end points; their shape is covered by the console's tests.
          const { mappings } = (await ask(
            options.console,
            `/mappings?tenant=${encodeURIComponent(tenant)}`,
          )) as { mappings: readonly Mapping[] };
          const known = mappings.find(
            (mapping) => mapping.entity === entity && mapping.telematics_id === telematics_id,
          );
          const intervals = cutIn(known?.intervals ?? [], added);
          const by = options.by ?? terminal.env['USER'] ?? 'waybill';
          const body = { tenant, entity, telematics_id, intervals, by };
          const { version, ...now } = (await ask(options.console, '/mappings', body)) as Mapping;
          terminal.out(
            `${entity} ${telematics_id} → ${now.intervals.map(intervalText).join(', ')} (version ${version})`,
          );
          return EXIT.ok;
        }),
    );
}
