import type { Live } from './live.ts';
import type { System } from './system.ts';

/** Says what to try next and keeps everything up until Ctrl-C; throws the reason when it fails before. */
export async function stayUp(system: System, live: Live, interrupted: AbortSignal): Promise<void> {
  const [firstTenant = 'bay-cabs'] = system.erp.keys();
  const consoleUrl = system.url('console');
  const tries: readonly [string, string][] = [
    [
      'expire all Wialon sessions',
      `curl -s -X POST ${system.twinUrl}/twin/fault -d '{"kind":"expire_sessions"}'`,
    ],
    [
      'lock the ERP table for 30 s',
      `node_modules/.bin/node test/demo/lock-table.ts '${system.erpUrl(firstTenant)}' erp.trip 30`,
    ],
    [
      'kill the sink (it comes back)',
      `kill -9 ${system.services.get('erp-sink')?.pid() ?? '<pid>'}`,
    ],
    ['why is a trip there, or not', `npm run -s waybill -- why <trip> --console ${consoleUrl}`],
    [
      'push events with the curl of services/ingest/EVENTS.md, or an example',
      `export WEBHOOK_URL=${system.webhookUrl} WEBHOOK_SECRET_FILE='${system.webhookSecretFile}'\n` +
        '    npm run -s waybill -- webhook send --example trip.status.changed --source bay-cabs/dispatch',
    ],
    ['what may be pushed', `open ${new URL('/docs', system.webhookUrl).href}`],
    ['the report again', `curl -s ${system.url('reconciler')}/report`],
    [
      'map the unit to another truck: its trips move',
      `npm run -s waybill -- map hudson-waste vehicle wialon:8033 TRK-SPARE-1 --console ${consoleUrl}`,
    ],
    ['logs', `ls ${system.dir}/logs`],
  ];
  process.stdout.write('Everything stays up. Try:\n');
  for (const [what, command] of tries) process.stdout.write(`  ${what}\n    ${command}\n`);
  process.stdout.write('Ctrl-C ends it.\n');
  live.end();
  if (interrupted.aborted) return;
  await new Promise<void>((resolve) => {
    const ended = (): void => resolve();
    interrupted.addEventListener('abort', ended, { once: true });
    system.failed.addEventListener('abort', ended, { once: true });
  });
  if (!interrupted.aborted) system.failed.throwIfAborted();
}
