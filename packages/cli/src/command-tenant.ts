import { Command } from 'commander';
import { loadTenant, planWialon } from '@waybill/tenant';
import type { Run } from './run.ts';
import { EXIT } from './exit-code.ts';
import { ask } from './service-client.ts';
import { renderPlan } from './render-plan.ts';
import { consoleOption, jsonOption } from './settings.ts';
import type { Terminal } from './terminal.ts';

interface Applied {
  readonly version: number;
  readonly changed: boolean;
  readonly ids: { readonly added: number; readonly kept: number };
}

function actor({ env }: Terminal): string {
  return env['USER'] ?? env['LOGNAME'] ?? 'waybill';
}

function checkCommand(run: Run): Command {
  return new Command('check')
    .description('check a tenant folder; every mistake with file, line and what to do')
    .argument('<dir>', 'folder with tenant.yaml, ownership.csv, idmap.csv and erp/*.yaml')
    .addHelpText(
      'after',
      '\nExample:\n  waybill tenant check deploy/tenants/bay-cabs\n\nExit code: 0 valid, 78 not.',
    )
    .action((dir: string) =>
      run(async (terminal) => {
        const { model, idmap } = await loadTenant(dir);
        terminal.out(
          `${model.tenant_id} is valid: ${model.sources.length} sources, ${model.mappings.length} mappings, ${model.ownership.length} ownership rules, ${idmap.length} ids`,
        );
        return EXIT.ok;
      }),
    );
}

function planCommand(run: Run): Command {
  return new Command('plan')
    .description('the calls that the wanted events lead to, and what they take of the limits')
    .argument('<dir>', 'folder of the tenant')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Calls follow from the events in tenant.yaml; an event that is off costs nothing. The cost is reckoned with
expected_units and expected_message_interval_s of the source. A plan that takes more than half of a
limit is refused.

Example:
  waybill tenant plan deploy/tenants/bay-cabs

Exit code: 0 it fits, 78 it does not, or the folder is not valid.`,
    )
    .action((dir: string, options: { readonly json?: boolean }) =>
      run(async (terminal) => {
        const { model } = await loadTenant(dir);
        const plans = planWialon(model);
        if (options.json === true) terminal.out(JSON.stringify(plans));
        else for (const line of plans.flatMap(renderPlan)) terminal.out(line);
        const isRefused = plans.some(({ refusals }) => refusals.length > 0);
        return isRefused ? EXIT.configuration : EXIT.ok;
      }),
    );
}

function applyCommand(run: Run): Command {
  return new Command('apply')
    .description('check a tenant folder and make it the active configuration')
    .argument('<dir>', 'folder of the tenant')
    .addOption(consoleOption())
    .option('--by <name>', 'who applies it, for the audit (default: the user)')
    .addHelpText(
      'after',
      `
Services take the new version without restart. idmap.csv is the first load: ids that the console
already knows stay as they are, change them with \`waybill map\`.

Example:
  waybill tenant apply deploy/tenants/bay-cabs --console http://127.0.0.1:8090`,
    )
    .action((dir: string, options: { readonly console: string; readonly by?: string }) =>
      run(async (terminal) => {
        const { model, idmap } = await loadTenant(dir);
        const body = { model, idmap, by: options.by ?? actor(terminal) };
        const path = `/tenants/${model.tenant_id}/apply`;
        // Our own end point; its shape is covered by the console's tests.
        const { version, changed, ids } = (await ask(options.console, path, body)) as Applied;
        const what = changed ? 'is applied as' : 'was applied before and stays';
        terminal.out(
          `${model.tenant_id} ${what} version ${version}; ids: ${ids.added} added, ${ids.kept} kept`,
        );
        return EXIT.ok;
      }),
    );
}

/** `waybill tenant check`, `plan` and `apply`. */
export function tenantCommand(run: Run): Command {
  return new Command('tenant')
    .description('check, plan and apply tenant folders')
    .addCommand(checkCommand(run))
    .addCommand(planCommand(run))
    .addCommand(applyCommand(run));
}
